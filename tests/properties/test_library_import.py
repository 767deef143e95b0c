"""A ZIP from elsewhere is taken in whole and equal, or refused in one line."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.core.errors import DriftSchedError, InputError
from driftsched.results import RunLibrary, archive, export_zip
from driftsched.results.export import LIBRARY_JSON, SUMS
from driftsched.results.storage import TABLES
from tests.unit.results_data import hand_run

RUN = hand_run()
ZIP = export_zip(RUN, "driftsched run scenario.yaml", "<p>Report</p>")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> RunLibrary:
    return RunLibrary(tmp_path_factory.mktemp("library"))


def entries(content: bytes = ZIP) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(files: dict[str, bytes], **mode: int) -> bytes:
    """A ZIP of files; `mode` is the Unix mode of some, with _ for / and . in the name."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode.get(name.replace(".", "_"), 0o644) << 16
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def refused(library: RunLibrary, content: bytes, rule: str | None = None) -> None:
    before = library.list()
    with pytest.raises(InputError, match=rule) as caught:
        library.import_zip(content)
    assert "\n" not in str(caught.value)
    assert library.list().equals(before)
    runs = library.home / "runs"
    names = {path.name for path in runs.iterdir()} if runs.is_dir() else set()
    assert names == set(before["run_id"])


def test_a_run_comes_back_equal_with_its_id_and_label(tmp_path: Path) -> None:
    here, there = RunLibrary(tmp_path / "here"), RunLibrary(tmp_path / "there")
    run_id = here.save(RUN, "First name")
    here.label(run_id, title="Night", notes="Mind\nthis")
    here.tag(run_id, "a", "b")
    path = tmp_path / "run.zip"
    path.write_bytes(export_zip(here.load(run_id), "x", "", here.about(run_id)))
    assert there.import_zip(path) == run_id
    row, old = there.list().iloc[0], here.list().iloc[0]
    assert row.drop("title").equals(old.drop("title"))
    assert row["title"] == old["title"] == "Night"
    again = there.load(run_id)
    for name in TABLES:
        files = [lib.home / "runs" / run_id / f"{name}.parquet" for lib in (here, there)]
        assert files[0].read_bytes() == files[1].read_bytes()
        pd.testing.assert_frame_equal(getattr(again, name), getattr(RUN, name), check_exact=True)
    other = there.import_zip(path)
    assert other != run_id
    there.delete(run_id)
    assert there.import_zip(path) not in (run_id, other), "its place in the trash is kept"
    assert len(there.list(tag="a")) == 2


def test_a_zip_of_a_run_that_was_never_kept_is_a_run_too(library: RunLibrary) -> None:
    run_id = library.import_zip(ZIP)
    assert library.list().set_index("run_id").loc[run_id, "title"] == "Seven requests"
    former = {name: content for name, content in entries().items() if name != SUMS}
    assert library.load(library.import_zip(zipped(former))).scenario == RUN.scenario


@given(
    name=st.sampled_from(
        ["../x", "/etc/passwd", "tables/../../x", "C:\\x", "a\\..\\b", "x.py", "."]
    )
    | st.text(min_size=1, max_size=20).filter(
        lambda name: name.split("\x00")[0] not in archive.KNOWN
    )
)
def test_no_other_file_is_taken(library: RunLibrary, name: str) -> None:
    refused(library, zipped({**entries(), name: b"x"}))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_links_and_devices_are_refused(library: RunLibrary, kind: int) -> None:
    content = zipped(entries() | {"README.txt": b"/etc/passwd"}, README_txt=kind | 0o644)
    refused(library, content, "plain files")


def test_bombs_are_refused_before_they_unpack(
    library: RunLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = entries() | {"report.html": b"\0" * 3_000_000}
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1_000_000)
    refused(library, zipped(big), "unpack to at most 1,000,000 bytes")
    monkeypatch.undo()
    refused(library, zipped(entries() | {"scenario.yaml": b" " * 2_000_001}), "at most 2,000,000")
    many = {f"tables/{number}.csv": b"" for number in range(500)}
    refused(library, zipped(many), "at most .* entries")
    monkeypatch.setattr(archive, "MAX_ROWS", 5)
    refused(library, ZIP, "at most 5 rows")


def test_a_size_that_lies_is_found(library: RunLibrary) -> None:
    """The size in the head is not what unpacks, which is cut there, and its checksum fails."""
    content = bytearray(zipped(entries() | {"report.html": b"\0" * 100_000}))
    size = (100_000).to_bytes(4, "little")
    lie = bytes(content).replace(size, (10).to_bytes(4, "little"))
    assert lie != bytes(content)
    refused(library, lie)


@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_is_refused_or_changes_nothing(
    library: RunLibrary, at: float, bit: int
) -> None:
    content = bytearray(ZIP)
    content[int(at * len(content))] ^= 1 << bit
    try:
        run_id = library.import_zip(bytes(content))
    except DriftSchedError as error:
        assert "\n" not in str(error)
        return
    found = library.load(run_id)
    for name in TABLES:
        assert getattr(found, name).equals(getattr(RUN, name))
    assert found.scenario == RUN.scenario
    library.delete(run_id)


@given(cut=st.floats(0, 1, exclude_max=True))
def test_half_a_zip_is_refused(library: RunLibrary, cut: float) -> None:
    refused(library, ZIP[: int(cut * len(ZIP))])


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("metrics.csv", b"x", "SHA-256"),
        ("library.json", b'{"schema": 2}', "SHA256SUMS|schema"),
        ("tables/gpus.parquet", b"PAR1", "SHA-256"),
    ],
)
def test_a_file_that_is_another_is_refused(
    library: RunLibrary, name: str, content: bytes, rule: str
) -> None:
    files = entries() | {name: content}
    refused(library, zipped(files), rule)
    files.pop(SUMS)
    if name != "metrics.csv":
        refused(library, zipped(files))


@pytest.mark.parametrize(
    "about",
    [
        {"schema": 2},
        {"run_id": "../x"},
        {"run_id": ""},
        {"saved_utc": "now"},
        {"tags": ["a b"]},
        {"more": 1},
    ],
)
def test_an_unknown_schema_is_refused(library: RunLibrary, about: dict[str, object]) -> None:
    right = {"schema": 1, "run_id": "a", "saved_utc": "2026-01-01T00:00:00+00:00", "title": "x"}
    files = entries() | {LIBRARY_JSON: json.dumps(right | about).encode()}
    refused(library, zipped(files), "library.json")


def test_tables_of_something_else_are_refused(library: RunLibrary) -> None:
    files = entries()
    del files[SUMS]
    sink = io.BytesIO()
    columns = ["request_id", "tenant", "status", "arrival_s"]
    pd.DataFrame([[1, 2, 3, "x"]], columns=columns).to_parquet(sink)
    refused(
        library, zipped(files | {"tables/requests.parquet": sink.getvalue()}), "status of a request"
    )
    pd.DataFrame([[1, 2, "finished", "x"]], columns=columns).to_parquet(sink := io.BytesIO())
    refused(library, zipped(files | {"tables/requests.parquet": sink.getvalue()}), "ZIP must hold")
    for name in ("scenario.yaml", "tables/queues.parquet"):
        rest = {other: content for other, content in files.items() if other != name}
        refused(library, zipped(rest), f"must hold a run's {name}")
