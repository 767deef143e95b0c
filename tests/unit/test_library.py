"""The run library: what is saved comes back; damage is told, and nothing half is left."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from driftsched.core.errors import InputError, RunError, UnknownNameError
from driftsched.results import RunLibrary, library_home
from driftsched.results.cards import COLUMNS
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
    (runs / ".partial-1").mkdir()
    (runs / "file").write_text("")
    assert ids(library) == {saved}


def damaged(card: str) -> dict[str, str]:
    """What somebody, a disk or another program may have made of a card."""
    return {
        "empty": "",
        "cut": card[:100],
        "no object": "[1, 2]",
        "other object": '{"title": "x"}',
        "huge seed": card.replace('"seed": 1', f'"seed": {2**70}'),
        "negative count": card.replace('"requests": 7', '"requests": -7'),
        "lone surrogate": card.replace('"Fine"', '"\\ud800"'),
        "long title": card.replace('"Fine"', f'"{"x" * 201}"'),
        "nested deep": "[" * 50_000 + "]" * 50_000,
        "too long": card + " " * 100_000,
        "path for a name": card.replace('"metrics.csv"', '"../../secret.csv"'),
    }


def test_a_damaged_card_is_listed_with_its_reason_and_the_others_stand(
    library: RunLibrary,
) -> None:
    fine = library.save(hand_run(), "Fine")
    good = (library.home / "runs" / fine / "run.json").read_text()
    broken = damaged(good)
    for name, card in broken.items():
        assert card != good, name
        folder = library.home / "runs" / name.replace(" ", "-")
        folder.mkdir()
        (folder / "run.json").write_text(card)
    (folder / "run.json").write_bytes(b'{"title": "\xff"}')
    table = library.list().set_index("run_id")
    assert table.index[0] == fine
    assert (table.loc[fine, "title"], table.loc[fine, "damage"]) == ("Fine", "")
    assert set(table.index) == {fine, *(name.replace(" ", "-") for name in broken)}
    for run_id, reason in table["damage"].drop(fine).items():
        name = str(run_id)
        assert str(library.home / "runs" / name / "run.json") in reason
        assert "\n" not in reason
        reason.encode()
        with pytest.raises(RunError, match=re.escape(reason)):
            library.load(name)
        library.delete(name)
    assert ids(library) == {fine}


def test_deleted_runs_are_gone(library: RunLibrary) -> None:
    one, two = library.save(hand_run(), "1"), library.save(hand_run(), "2")
    library.list()
    library.delete(one)
    assert ids(library) == {two}
    assert [path.name for path in (library.home / "runs").iterdir()] == [two]
    with pytest.raises(UnknownNameError, match=r"run must be the id of a saved run .* holds 1\)"):
        library.load(one)


def test_where_one_run_is_not_known_none_is_deleted(library: RunLibrary) -> None:
    one = library.save(hand_run())
    with pytest.raises(UnknownNameError):
        library.delete(one, "nothing")
    assert ids(library) == {one}


def test_of_a_run_that_is_a_link_the_link_is_deleted(library: RunLibrary, tmp_path: Path) -> None:
    run_id = library.save(hand_run())
    folder = library.home / "runs" / run_id
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert ids(library) == {run_id}
    library.delete(run_id)
    assert list((library.home / "runs").iterdir()) == []
    assert (tmp_path / "elsewhere" / "run.json").is_file()


@pytest.mark.parametrize("name", [*(f"{name}.parquet" for name in TABLES), "scenario.yaml"])
def test_another_file_under_a_right_name_is_refused(library: RunLibrary, name: str) -> None:
    """Figures of another run would be shown as this one's."""
    one, two = library.save(hand_run()), library.save(hand_run(seed=7))
    run = library.load(two)
    run.requests["e2e_s"] += 1.0
    run.queues["waiting"] += 1
    run.gpus["busy"] /= 2
    run.learning["bias"] += 1.0
    two = library.save(run)
    runs = library.home / "runs"
    (runs / one / name).write_bytes((runs / two / name).read_bytes())
    with pytest.raises(RunError, match=rf"^cannot read .*{name}: it is not the file that was"):
        library.load(one)
    library.load(two)


def test_one_flipped_bit_is_found_in_every_file(library: RunLibrary) -> None:
    run_id, rng = library.save(hand_run()), random.Random(1)
    files = set((library.home / "runs" / run_id).iterdir())
    for path in sorted(path for path in files if path.name != "run.json"):
        good = path.read_bytes()
        for _ in range(5):
            bad = bytearray(good)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            path.write_bytes(bad)
            with pytest.raises(RunError, match=rf"^cannot read .*{path.name}: it is not the file"):
                library.load(run_id)
        path.write_bytes(good)


def test_runs_saved_before_there_were_checksums_can_be_loaded(library: RunLibrary) -> None:
    run_id = library.save(hand_run())
    path = library.home / "runs" / run_id / "run.json"
    card = json.loads(path.read_text())
    assert set(card.pop("files")) == {
        *(f"{name}.parquet" for name in TABLES), "scenario.yaml", "provenance.json", "metrics.csv",
    }  # fmt: skip
    path.write_text(json.dumps(card))
    assert list(library.list()["damage"]) == [""]
    assert library.load(run_id).scenario == hand_run().scenario


def test_what_a_killed_process_left_is_gone_when_the_library_is_opened(
    library: RunLibrary,
) -> None:
    saved = library.save(hand_run())
    for kind in ("partial", "deleted"):
        folder = library.home / "runs" / f".{kind}-{'0' * 16}"
        folder.mkdir()
        (folder / "run.json").write_text("{")
    assert ids(library) == {saved}
    assert [path.name for path in (library.home / "runs").iterdir()] == [saved]


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
