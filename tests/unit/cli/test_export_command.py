"""Runs that are kept: files that repeat, exports of every format."""

from __future__ import annotations

import io
import os
import shlex
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from driftsched.results import RunLibrary, read_run
from tests.support.commands import SMALL, called, data_of, process


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """A run that depends on the process could not be repeated by anybody else."""
    for number in ("1", "2"):
        done = process(
            "run", SMALL, "--policy", "weighted", "--out", str(tmp_path / number),
            env=os.environ | {"PYTHONHASHSEED": number},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert {"requests.parquet", "queues.parquet", "gpus.parquet", "learning.parquet"} < set(names)
    for name in set(names) - {"provenance.json"}:
        first, second = (tmp_path / number / name for number in ("1", "2"))
        assert first.read_bytes() == second.read_bytes(), name


def test_saved_run_is_exported_as_it_was(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = data_of(capsys, "run", SMALL, "--save", "--title", "Kept", "--json")
    saved = RunLibrary().load(data["run_id"])
    code, out, _ = called(capsys, "export", data["run_id"], "--csv", str(tmp_path / "csv"))
    assert (code, out) == (0, "")
    table = pd.read_csv(tmp_path / "csv" / "requests.csv")
    assert table["e2e_s"].to_numpy() == pytest.approx(saved.requests["e2e_s"].to_numpy())


def test_run_folder_is_exported_in_every_format(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    called(capsys, "run", SMALL, "--out", run)
    files = {"--parquet": "pq", "--paper": "paper", "--zip": "run.zip", "--html": "run.html"}
    options = [word for name, file in files.items() for word in (name, str(tmp_path / file))]
    code, _, err = called(capsys, "export", run, *options)
    assert code == 0, err
    pd.testing.assert_frame_equal(read_run(tmp_path / "pq").requests, read_run(run).requests)
    depth = pd.read_csv(tmp_path / "paper" / "queue_depth.csv")
    assert "premium_queue" in depth.columns
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert {"report.html", "metrics.csv", "tables/requests.parquet"} <= set(archive.namelist())
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "A small one" in page
    assert "python -m driftsched run scenario.yaml" in page


def test_saved_run_takes_no_changes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A change that is ignored would give the user another run than they asked for."""
    run = str(tmp_path / "run")
    called(capsys, "run", SMALL, "--out", run)
    code, _, err = called(capsys, "export", run, "--seed", "2", "--html", str(tmp_path / "x"))
    assert code == 2
    assert "--seed must not be given for a saved run" in err


def test_exported_command_repeats_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    argv = ["--policy", "sjf", "--set", "title=it's 5 > 3", "--seed", "8"]
    folder = tmp_path / "zip"
    called(capsys, "export", SMALL, *argv, "--zip", str(tmp_path / "run.zip"))
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        readme = archive.read("README.txt").decode()
        archive.extractall(folder)
    command = next(line for line in readme.splitlines() if "-m driftsched run" in line)
    words = shlex.split(command)[3:]
    code, _, err = called(capsys, *words, "--out", str(tmp_path / "again"))
    assert code == 0, err
    first, second = folder / "tables" / "requests.parquet", tmp_path / "again" / "requests.parquet"
    assert first.read_bytes() == second.read_bytes()


def test_saved_runs_are_listed_with_the_ids_that_export_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a saved run's id could only be found by looking into folders."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    assert "No saved run" in called(capsys, "library")[1]
    kept = data_of(capsys, "run", SMALL, "--save", "--title", "Kept", "--json")["run_id"]
    listed = data_of(capsys, "library", "--json")["runs"]
    assert [(run["run_id"], run["title"]) for run in listed] == [(kept, "Kept")]
    _, out, _ = called(capsys, "library")
    assert out.splitlines()[1].startswith(kept)
    assert out.splitlines()[1].endswith("Kept")
    code, _, err = called(capsys, "export", kept, "--csv", str(tmp_path / "csv"))
    assert code == 0, err


def test_saved_runs_are_deleted_by_their_ids(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts say --yes; a person is asked, and everything but yes is no."""
    ids = [data_of(capsys, "run", SMALL, "--save", "--json")["run_id"] for _ in range(3)]
    code, _, err = called(capsys, "library", "delete", ids[0])
    assert (code, err.count("\n")) == (2, 1)
    assert "must have --yes where nobody can be asked" in err
    code, _, err = called(capsys, "library", "delete", ids[0], "nothing", "--yes")
    assert code == 2
    assert "run must be the id of a saved run" in err
    assert len(RunLibrary().list()) == 3, "one is not known, so none is deleted"
    assert data_of(capsys, "library", "delete", ids[0], "--yes", "--json") == {"deleted": [ids[0]]}
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    for answer, left in (("", 2), ("n", 2), ("y", 1)):
        terminal.seek(0)
        terminal.truncate()
        terminal.write(f"{answer}\n")
        terminal.seek(0)
        code, _, err = called(capsys, "library", "delete", ids[1])
        assert f"Move to the trash: {ids[1]}? [y/N]" in err
        assert (code, len(RunLibrary().list())) == (2 if left == 2 else 0, left)
    for wrong in (["delete"], ["list", "--remove"], ["--yes"]):
        assert called(capsys, "library", *wrong)[0] == 2


def test_a_damaged_run_is_listed_with_its_reason_and_can_be_deleted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fine = data_of(capsys, "run", SMALL, "--save", "--title", "Fine\x1b[2J", "--json")["run_id"]
    folder = RunLibrary().home / "runs" / "broken"
    folder.mkdir()
    (folder / "run.json").write_text('{"seed": ' + str(2**70) + "}")
    _, out, _ = called(capsys, "library")
    _, first, second = out.splitlines()
    assert first.startswith(fine)
    assert first.endswith("Fine�[2J")
    assert second.startswith("broken")
    assert "damaged: cannot read" in second
    code, _, err = called(capsys, "export", "broken", "--csv", str(folder / "csv"))
    assert (code, err.count("\n")) == (1, 1)
    assert data_of(capsys, "library", "--json")["runs"][1]["damage"]
    assert called(capsys, "library", "delete", "broken", "--yes")[0] == 0
    assert list(RunLibrary().list()["run_id"]) == [fine]
