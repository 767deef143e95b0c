"""What people say of runs, the trash, and an index that is never believed against the files."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftsched.core.errors import InputError, UnknownNameError
from driftsched.results import RunLibrary
from tests.support.patience import STEP_S
from tests.unit.results_data import hand_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def library(tmp_path: Path) -> RunLibrary:
    return RunLibrary(tmp_path / "home")


def test_a_label_changes_what_is_listed_and_not_the_run(library: RunLibrary) -> None:
    run_id = library.save(hand_run(), "Before")
    folder = library.home / "runs" / run_id
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    library.label(run_id, title=" After\n all ", notes="One\ntwo")
    library.tag(run_id, "b", "a")
    library.tag(run_id, "c", "a")
    library.tag(run_id, "b", remove=True)
    row = library.list().iloc[0]
    assert (row["title"], row["tags"], row["notes"]) == ("After all", ["a", "c"], "One\ntwo")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    library.label(run_id, title="")
    assert library.list().iloc[0]["title"] == "Before"
    assert library.list().iloc[0]["notes"] == "One\ntwo"


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"title": "x" * 201}, "title must have at most 200 characters"),
        ({"notes": "x" * 4001}, "notes must have at most 4000 characters"),
        ({"tags": ["two words"]}, "must match"),
        ({"tags": ["-x"]}, "must match"),
        ({"tags": [f"t{n}" for n in range(21)]}, "tags must have at most 20 entries"),
        ({"notes": "\ud800"}, "notes must be text"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_label_is_refused_in_a_line(
    library: RunLibrary, fields: dict[str, object], rule: str
) -> None:
    run_id = library.save(hand_run())
    with pytest.raises(InputError, match=rule) as caught:
        library.label(run_id, **fields)
    assert "\n" not in str(caught.value)
    with pytest.raises(UnknownNameError):
        library.label("nothing", title="x")


def test_runs_are_found_by_words_policy_world_and_tag(library: RunLibrary) -> None:
    night = library.save(hand_run(), "Night shift")
    sjf = library.save(hand_run(policy={"kind": "sjf"}), "Day shift")
    live = hand_run()
    live.provenance["engine"] = "live openai"
    real = library.save(live, "Night watch")
    library.tag(sjf, "kept")
    library.label(real, notes="Ünder LOAD")

    def found(text: str = "", **wanted: Any) -> set[str]:
        return set(library.list(text, **wanted)["run_id"])

    assert found("NIGHT") == {night, real}
    assert found("shift night") == {night}
    assert found("ünder load") == {real}
    assert found("kept") == found(tag="kept") == found(policy="sjf") == {sjf}
    assert found(tag="kep") == found("night.shift") == set()
    assert found(world="live") == {real}
    assert found(world="simulated", policy="fifo") == {night}


def test_what_is_deleted_comes_back_with_its_label_or_goes_for_good(library: RunLibrary) -> None:
    one, two = library.save(hand_run(), "1"), library.save(hand_run(), "2")
    library.tag(one, "kept")
    library.delete(one, two)
    assert library.list().empty
    assert set(library.list(trash=True)["run_id"]) == {one, two}
    library.restore(one)
    assert list(library.list(tag="kept")["run_id"]) == [one]
    assert library.load(one).scenario == hand_run().scenario
    with pytest.raises(UnknownNameError, match="id of a deleted run"):
        library.restore(two, one)
    assert len(library.list(trash=True)) == 1, "one is not there, so none is restored"
    library.tag(one, "kept")
    library.delete(one)
    assert set(library.empty_trash()) == {one, two}
    for place in ("runs", "trash", "labels"):
        assert list((library.home / place).iterdir()) == []


def broken(path: Path) -> dict[str, Callable[[], object]]:
    """What may become of an index."""

    def other_schema() -> None:
        with sqlite3.connect(path) as database:
            database.executescript("DROP TABLE runs; CREATE TABLE runs (x); PRAGMA user_version=9")

    def no_table() -> None:
        with sqlite3.connect(path) as database:
            database.executescript("DROP TABLE runs")

    def other_facts() -> None:
        with sqlite3.connect(path) as database:
            database.execute("UPDATE runs SET facts = replace(facts, 'Fine', 'Evil')")

    return {
        "lost": path.unlink,
        "empty": lambda: path.write_bytes(b""),
        "no database": lambda: path.write_bytes(b"x" * 5000),
        "cut": lambda: path.write_bytes(path.read_bytes()[:5000]),
        "of another version": other_schema,
        "without its table": no_table,
        "with other facts": other_facts,
    }


@pytest.mark.parametrize("name", broken(Path()))
def test_a_broken_index_is_made_anew_by_itself(library: RunLibrary, name: str) -> None:
    library.tag(library.save(hand_run(), "Fine"), "kept")
    library.save(hand_run(), "Too")
    before = library.list()
    index = library.home / "library.sqlite"
    assert index.is_file()
    broken(index)[name]()
    for _ in range(2):
        assert library.list().equals(before)
    with sqlite3.connect(index) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_flipped_bits_of_the_index_are_never_shown(library: RunLibrary) -> None:
    for number in range(8):
        library.save(hand_run(), f"Run {number}")
    before, rng = library.list(), random.Random(1)
    index = library.home / "library.sqlite"
    for _ in range(40):
        content = bytearray(index.read_bytes())
        for _ in range(20):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        index.write_bytes(content)
        assert library.list().equals(before)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_library_that_cannot_be_written_is_read_all_the_same(library: RunLibrary) -> None:
    run_id = library.save(hand_run())
    library.home.chmod(0o500)
    try:
        assert list(library.list()["run_id"]) == [run_id]
    finally:
        library.home.chmod(0o700)


def test_reindex_says_what_is_damaged_and_sweeps_up(library: RunLibrary) -> None:
    fine, bad = library.save(hand_run()), library.save(hand_run())
    (library.home / "runs" / bad / "run.json").write_text("{")
    library.tag(fine, "kept")
    labels = library.home / "labels"
    (labels / "gone.json").write_text("{}")
    half = library.home / "runs" / f".partial-{'0' * 16}"
    half.mkdir()
    found = library.reindex()
    assert (found.runs, list(found.damaged)) == (2, [bad])
    assert set(found.swept) == {"gone.json", half.name}
    assert not half.exists()
    assert [path.name for path in labels.iterdir()] == [f"{fine}.json"]


def test_a_damaged_label_hides_no_run_and_is_replaced(library: RunLibrary) -> None:
    run_id = library.save(hand_run(), "Fine")
    library.tag(run_id, "kept")
    path = library.home / "labels" / f"{run_id}.json"
    path.write_text('{"tags": 3}')
    row = library.list().iloc[0]
    assert (row["title"], row["tags"]) == ("Fine", [])
    assert str(path) in row["damage"]
    library.tag(run_id, "again")
    row = library.list().iloc[0]
    assert (row["tags"], row["damage"]) == (["again"], "")


TAG = """
import sys
from pathlib import Path
from typing import Any
from driftsched.results import RunLibrary

home, run_id, name = sys.argv[1:]
for number in range(9):
    RunLibrary(Path(home)).tag(run_id, f"{name}{number}")
"""


def test_two_who_tag_one_run_at_once_lose_nothing(library: RunLibrary) -> None:
    run_id = library.save(hand_run())
    processes = [
        subprocess.Popen([sys.executable, "-c", TAG, str(library.home), run_id, name], cwd=ROOT)
        for name in "ab"
    ]
    assert [process.wait(STEP_S) for process in processes] == [0, 0]
    assert library.list().iloc[0]["tags"] == sorted(f"{n}{i}" for n in "ab" for i in range(9))
