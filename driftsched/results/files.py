"""Files and folders that appear whole or not at all, and nothing left of those that did not."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from driftsched.core.errors import RunError

if sys.platform != "win32":
    import fcntl

Files = Iterable[tuple[str, bytes]]
"""Names of files and what is in them."""
LEFT = re.compile(r"\.(partial|deleted)-[0-9a-f]{16}")
DAY_S = 86_400.0


@contextmanager
def io_errors(doing: str) -> Iterator[None]:
    """Turn what goes wrong with files into a `RunError` of one line: "cannot …: reason"."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"cannot {doing}: {reason}") from error


@contextmanager
def beside(folder: Path, kind: str = "partial") -> Iterator[Path]:
    """Give a path in `folder` for what others must not see yet, or no more.

    What is there in the end is removed. When the process is killed before, it stays, and whoever
    writes into the folder next removes it: see `clear_left`.
    """
    clear_left(folder)
    with locked(folder, alone=False):
        path = folder / f".{kind}-{secrets.token_hex(8)}"
        try:
            yield path
        finally:
            with suppress(OSError):
                remove(path)


def clear_left(folder: Path) -> list[str]:
    """Remove what processes that were killed left in a folder; returns the names.

    Whoever writes holds the folder's lock, which ends with the process; so nothing is touched that
    is being written. Where the file system knows no locks, what is a day old goes.
    """
    removed: list[str] = []
    with suppress(OSError):
        left = [path for path in folder.iterdir() if LEFT.fullmatch(path.name)]
        if not left:
            return removed
        with locked(folder, alone=True) as held:
            for path in left:
                if held or time.time() - path.lstat().st_mtime > DAY_S:
                    remove(path)
                    removed.append(path.name)
    return removed


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Wait until no other process has its turn at a folder, and have it; it ends with the process.

    For what reads, decides and writes. Where the file system knows no locks nobody waits. Who has
    it must not write with `beside` into that very folder.
    """
    with locked(folder, alone=True, wait=True):
        yield


@contextmanager
def locked(folder: Path, *, alone: bool, wait: bool = False) -> Iterator[bool]:
    """Hold a folder's lock, with other writers or alone; False where there are no locks.

    Raises
    ------
    BlockingIOError
        It shall be held alone and at once, and somebody is writing.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _lock(handle, alone, wait)
    finally:
        os.close(handle)


def _lock(handle: int, alone: bool, wait: bool) -> bool:
    if sys.platform == "win32":
        return False
    at_once = 0 if wait or not alone else fcntl.LOCK_NB
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | at_once)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def remove(path: Path) -> None:
    """Remove a file, a folder and all in it, or a link; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; when all went well its files appear in `folder`.

    A new folder appears whole, by one renaming. In one that exists each file is replaced whole, and
    other files in it stay. When something fails, `folder` is left as it was.
    """
    exists = folder.is_dir()
    parent = folder if exists else folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    with beside(parent) as aside:
        aside.mkdir()
        yield aside
        if exists:
            for path in sorted(aside.iterdir()):
                path.replace(folder / path.name)
        else:
            aside.rename(folder)


def write_files(files: Files, folder: Path) -> dict[str, str]:
    """Write files straight into an existing folder; returns their SHA-256 by name."""
    sums = {}
    for name, content in files:
        (folder / name).write_bytes(content)
        sums[name] = sha256(content)
    return sums


def sha256(content: bytes) -> str:
    """SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_folder(files: Files, folder: Path | str) -> None:
    """Write files to a folder. A new one appears whole; in one that exists each file does.

    Raises
    ------
    RunError
        When the folder cannot be written.
    """
    with io_errors(f"write to {folder}"), written_aside(Path(folder)) as aside:
        write_files(files, aside)


def write_file(path: Path | str, content: bytes) -> None:
    """Write a file, which appears whole or not at all.

    A device, a pipe, and a file in a folder where nothing can be made are written to directly.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    with io_errors(f"write {path}"):
        place = Path(path).resolve()
        beside_it = place.is_file() and os.access(place.parent, os.W_OK)
        if place.exists() and not beside_it:
            place.write_bytes(content)
            return
        with beside(place.parent) as aside:
            aside.write_bytes(content)
            if place.exists():
                shutil.copymode(place, aside)
            aside.replace(place)
