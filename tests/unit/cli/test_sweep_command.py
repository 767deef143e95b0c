"""`sweep` as a command: what it prints, what it keeps, also after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from driftsched.experiments.sweeps import kept_sweeps
from tests.support.commands import ROOT, SMALL, as_in_a_terminal, called, data_of
from tests.support.patience import STEP_S, await_true

HERE = ("--processes", "1")
OVER = ("--over", "policy=fifo,sjf", "--over", "load=0.5,1", "--over", "engine.batch_size=0,8")


def test_the_best_come_first_and_failures_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "sweep", SMALL, *OVER, "--seeds", "2", *HERE)
    assert code == 0
    rows = [line.split() for line in out.splitlines()[1:5]]
    values = [float(row[3]) for row in rows]
    assert values == sorted(values)
    assert "4 points failed: engine.batch_size must be >= 1, got 0" in out
    assert "variance of its ranks explained by" in out
    assert "8 points, 0 of them done" in err
    _, _, again = called(capsys, "sweep", SMALL, *OVER, "--seeds", "2", *HERE)
    assert "8 points, 8 of them done" in again


def test_json_csv_and_what_is_kept_are_the_same_points(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "points.csv"
    data = data_of(capsys, "sweep", SMALL, *OVER, "--csv", str(file), "--json", *HERE)
    assert len(data["points"]) == 8
    table = pd.read_csv(file)
    assert table["point"].tolist() == [row["point"] for row in data["points"]]
    done = [row["p95_e2el_ms"] for row in data["points"] if row["status"] == "done"]
    assert table["p95_e2el_ms"].dropna().tolist() == done
    assert data["points"][0]["p95_e2el_ms_low"] is None
    resumed = data_of(capsys, "sweep", "--resume", data["sweep"], "--json", *HERE)
    assert resumed == data
    (listed,) = data_of(capsys, "sweep", "--list", "--json")["sweeps"]
    assert (listed["sweep_id"], listed["done"], listed["failed"]) == (data["sweep"], 4, 4)
    assert data["sweep"] in called(capsys, "sweep", "--list")[1]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "needs a scenario"),
        ((SMALL,), "at least one --over"),
        ((SMALL, *OVER, "--metric", "p97_e2el_ms"), "metric must be one of"),
        ((SMALL, "--over", "engine.batchsize=1"), "batchsize"),
        (("--resume", "../x"), "sweep must be one of those"),
        (("--resume", "x", "--over", "load=1"), "must not have --over too"),
        ((SMALL, *OVER, "--dask", "nowhere"), "dask must be a cluster's address"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str
) -> None:
    code, out, err = called(capsys, "sweep", *args)
    assert (code, out) == (2, "")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on() -> None:
    """By a real process, as in a terminal; with two workers, which hear it too."""
    over = ["--over", "load=0.5:1.5:900", "--processes", "2"]
    command = subprocess.Popen(
        [sys.executable, "-m", "driftsched", "sweep", SMALL, *over],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=as_in_a_terminal,  # noqa: PLW1509  it calls nothing that could hold a lock
    )
    await_true(lambda: len(kept := kept_sweeps()) == 1 and kept["done"].iloc[0] > 0)
    os.killpg(command.pid, signal.SIGINT)
    out, err = command.communicate(timeout=STEP_S)
    assert (command.returncode, out) == (130, "")
    (row,) = kept_sweeps().to_dict("records")
    assert 0 < row["done"] < 900
    lines = [line for line in err.splitlines() if line]
    assert lines[1:] == [f"go on with: driftsched sweep --resume {row['sweep_id']}", "stopped"]
