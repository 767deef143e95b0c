"""Files appear whole or not at all, and what killed writers left is cleared up."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from driftsched.core.errors import RunError
from driftsched.results.files import beside, clear_left, write_file, write_folder
from tests.support.patience import STEP_S

ROOT = Path(__file__).resolve().parents[2]
LEFT = (".partial-0123456789abcdef", ".deleted-0123456789abcdef")
WRITER = """
import sys
from pathlib import Path
from driftsched.results.files import written_aside

with written_aside(Path(sys.argv[1])) as aside:
    (aside / "a.csv").write_text("half")
    print(aside, flush=True)
    sys.stdin.read()
"""


@contextmanager
def writer(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process in the middle of writing a folder, and what it writes into."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def leave(folder: Path) -> None:
    """What a writer and a deleter leave that are killed."""
    for name in LEFT:
        (folder / name).mkdir(parents=True)
        (folder / name / "requests.parquet").write_text("half")


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    with writer(tmp_path / "run") as (process, aside):
        assert aside.is_dir()
        process.kill()
        process.wait(STEP_S)
        assert aside.is_dir(), "else this test tries nothing"
        write_folder([("b.csv", b"whole")], tmp_path / "next")
    assert names(tmp_path) == ["next"]


def test_what_a_living_process_writes_is_not_touched(tmp_path: Path) -> None:
    """However long it takes: its folder is its own until it ends."""
    leave(tmp_path)
    with writer(tmp_path / "run") as (process, aside):
        os.utime(aside, (0, 0))
        write_folder([("b.csv", b"whole")], tmp_path / "next")
        clear_left(tmp_path)
        assert (aside / "a.csv").read_text() == "half"
        process.communicate(timeout=STEP_S)
        assert process.returncode == 0
    assert (tmp_path / "run" / "a.csv").is_file()
    clear_left(tmp_path)
    assert names(tmp_path) == ["next", "run"]


def test_where_there_are_no_locks_what_is_a_day_old_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftsched.results.files._lock", lambda *_: False)
    leave(tmp_path)
    clear_left(tmp_path)
    assert names(tmp_path) == sorted(LEFT)
    yesterday = time.time() - 90_000
    os.utime(tmp_path / LEFT[0], (yesterday, yesterday))
    clear_left(tmp_path)
    assert names(tmp_path) == [LEFT[1]]


def test_only_what_is_ours_is_cleared(tmp_path: Path) -> None:
    others = (".partial-", ".partial-0123456789ABCDEF", ".deleted-1", "partial-0123456789abcdef")
    for name in others:
        (tmp_path / name).mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    (tmp_path / LEFT[0]).symlink_to(elsewhere)
    clear_left(tmp_path)
    assert names(tmp_path) == sorted([*others, "elsewhere"])
    assert names(elsewhere) == ["kept"]


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "run.zip", tmp_path / "link.zip"
    write_file(path, b"old")
    path.chmod(0o600)
    link.symlink_to(path)
    write_file(link, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert link.is_symlink()
    assert names(tmp_path) == ["link.zip", "run.zip"]


def test_a_full_disk_leaves_the_old_file_and_no_half(tmp_path: Path) -> None:
    """The file size that a process may write is bounded, which fails as a full disk does."""
    path = tmp_path / "run.zip"
    path.write_bytes(b"old")
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, bounds[1]))
    try:
        with pytest.raises(RunError, match=r"^cannot write .*run\.zip: .+$"):
            write_file(path, b"x" * 5000)
        with pytest.raises(RunError, match=r"^cannot write to .*folder: .+$"):
            write_folder([("a.csv", b"x" * 5000)], tmp_path / "folder")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["run.zip"]


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_file("/dev/null", b"nothing")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(RunError, match=r"^cannot write .*: Is a directory$"):
        write_file(tmp_path, b"")


def test_what_is_beside_is_gone_in_the_end(tmp_path: Path) -> None:
    with beside(tmp_path) as path:
        path.mkdir()
        (path / "deep").mkdir()
    assert names(tmp_path) == []
