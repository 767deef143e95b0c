"""The run library: what is saved comes back; the index can go at any time."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from driftsched.core.errors import InputError, RunError, UnknownNameError
from driftsched.results import RunLibrary, library_home
from driftsched.results.library import COLUMNS
from driftsched.results.storage import TABLES
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.support.patience import STEP_S
from tests.unit.results_data import hand_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def library(tmp_path: Path) -> RunLibrary:
    return RunLibrary(tmp_path / "home")


def ids(library: RunLibrary) -> set[str]:
    return set(library.list()["run_id"])


def test_an_empty_library_makes_no_files(library: RunLibrary) -> None:
    table = library.list()
    assert table.empty
    assert list(table.columns) == COLUMNS
    assert not library.home.exists()


def test_what_is_saved_comes_back_equal(library: RunLibrary) -> None:
    real = simulate(load_scenario("paper", ["phases.0.requests=40", "phases.1.requests=40"]))
    for run in (hand_run(), real):
        again = library.load(library.save(run, "A run"))
        assert again.scenario == run.scenario
        assert again.provenance == run.provenance
        for name in TABLES:
            pd.testing.assert_frame_equal(
                getattr(again, name), getattr(run, name), check_exact=True
            )


def test_the_list_shows_the_newest_first_with_its_numbers(library: RunLibrary) -> None:
    first = library.save(hand_run(), "First")
    card = library.home / "runs" / first / "run.json"
    card.write_text(card.read_text().replace('"saved_utc": "2', '"saved_utc": "1'))
    second = library.save(hand_run(seed=7), " two\n  lines ")
    table = library.list()
    assert list(table["run_id"]) == [second, first]
    row = table.iloc[0]
    assert row["title"] == "two lines"
    assert (row["scenario"], row["policy"], row["seed"], row["engine"]) == (
        "hand",
        "fifo",
        7,
        "hand",
    )
    assert (row["requests"], row["completed"], row["median_e2el_ms"]) == (7, 5, 2800)
    assert row["p99_e2el_ms"] == pytest.approx(4980)


def test_a_run_without_finished_requests_can_be_listed(library: RunLibrary) -> None:
    run = hand_run()
    lost = run.requests[run.requests["status"] != "finished"].reset_index(drop=True)
    library.save(type(run)(run.scenario, lost, run.queues, run.gpus, run.learning), "Lost")
    assert library.list()["median_e2el_ms"].isna().all()


def test_the_title_defaults_to_the_scenarios(library: RunLibrary) -> None:
    library.save(hand_run())
    library.save(hand_run(title=""))
    assert set(library.list()["title"]) == {"Seven requests", "hand"}
    with pytest.raises(InputError, match="title must have at most 200 characters, got 201"):
        library.save(hand_run(), "x" * 201)


@pytest.mark.parametrize("damage", ["missing", "garbage", "empty", "other", "cut"])
def test_the_index_is_rebuilt_when_it_is_no_good(library: RunLibrary, damage: str) -> None:
    saved = {library.save(hand_run(), str(n)) for n in range(3)}
    before = library.list()
    index = library.home / "index.sqlite"
    assert index.is_file()
    if damage == "missing":
        index.unlink()
    elif damage == "other":
        index.unlink()
        with sqlite3.connect(index) as connection:
            connection.execute("CREATE TABLE runs (x)")
        connection.close()
    else:
        content = {
            "garbage": b"not a database" * 500,
            "empty": b"",
            "cut": index.read_bytes()[:5000],
        }
        index.write_bytes(content[damage])
    pd.testing.assert_frame_equal(library.list(), before)
    assert ids(library) == saved
    with sqlite3.connect(index) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (3,)
    connection.close()


def test_the_index_is_used(library: RunLibrary) -> None:
    run_id = library.save(hand_run(), "In the index")
    library.list()
    (library.home / "runs" / run_id / "run.json").write_text("{}")
    assert list(library.list()["title"]) == ["In the index"], "the card was read again"


def test_folders_that_come_and_go_behind_its_back(library: RunLibrary, tmp_path: Path) -> None:
    one, two = library.save(hand_run(), "1"), library.save(hand_run(), "2")
    assert ids(library) == {one, two}
    (library.home / "runs" / one).rename(tmp_path / one)
    assert ids(library) == {two}
    (tmp_path / one).rename(library.home / "runs" / one)
    assert ids(library) == {one, two}


def test_what_is_no_run_is_left_out(library: RunLibrary) -> None:
    saved = library.save(hand_run())
    runs = library.home / "runs"
    (runs / "notes").mkdir()
    (runs / "broken").mkdir()
    (runs / "broken" / "run.json").write_text("[1, 2")
    (runs / "half").mkdir()
    (runs / "half" / "run.json").write_text('{"title": "x"}')
    (runs / ".partial-1").mkdir()
    (runs / "file").write_text("")
    assert ids(library) == {saved}


def test_an_index_that_cannot_be_written_costs_nothing_but_time(library: RunLibrary) -> None:
    saved = library.save(hand_run())
    (library.home / "index.sqlite").mkdir()
    assert ids(library) == {saved}


def test_deleted_runs_are_gone(library: RunLibrary) -> None:
    one, two = library.save(hand_run(), "1"), library.save(hand_run(), "2")
    library.list()
    library.delete(one)
    assert ids(library) == {two}
    assert [path.name for path in (library.home / "runs").iterdir()] == [two]
    with pytest.raises(UnknownNameError, match=r"run must be the id of a saved run .* holds 1\)"):
        library.load(one)


@pytest.mark.parametrize("name", ["..", "../x", "", ".", "/etc", "a/b", "nothing", "a\x00b"])
def test_only_runs_of_the_library_can_be_named(library: RunLibrary, name: str) -> None:
    library.save(hand_run())
    (library.home / "x").mkdir()
    (library.home / "x" / "run.json").write_text("{}")
    for use in (library.load, library.delete):
        with pytest.raises(UnknownNameError, match="run must be the id of a saved run"):
            use(name)
    assert (library.home / "x" / "run.json").is_file()


def test_a_failed_save_leaves_nothing(library: RunLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftsched.results.library.metrics_table", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        library.save(hand_run())
    assert list((library.home / "runs").iterdir()) == []


def test_a_library_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"^cannot save the run in .*: .+$"):
        RunLibrary(tmp_path / "file").save(hand_run())


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "there"))
    assert RunLibrary().home == library_home() == tmp_path / "there"
    monkeypatch.delenv("DRIFTSCHED_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert library_home() == tmp_path / ".driftsched"


SAVE_AND_LIST = """
import sys
from pathlib import Path
from driftsched.results import RunLibrary
from tests.unit.results_data import hand_run

library = RunLibrary(Path(sys.argv[1]))
saved = [library.save(hand_run(), str(n)) for n in range(4)]
assert set(saved) <= set(library.list()["run_id"])
print(*saved)
"""


def test_processes_may_share_a_library(library: RunLibrary) -> None:
    command = [sys.executable, "-c", SAVE_AND_LIST, str(library.home)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    saved = [process.communicate(timeout=STEP_S)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert ids(library) == {run_id for ids_ in saved for run_id in ids_}
    assert len(ids(library)) == 12
