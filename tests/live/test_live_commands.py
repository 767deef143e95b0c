"""The commands live, calibrate and twin, as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from driftsched.cli.main import main
from driftsched.results import RunLibrary, read_run
from tests.support.commands import as_in_a_terminal
from tests.support.patience import STEP_S

FEW = (
    *("--set", "phases.0.requests=12", "--set", "phases.1.requests=18"),
    *("--set", "phases.0.pause_s=0", "--set", "engine.batch_size=4"),
    *("--engine-mode", "continuous"),
    *(word for n in range(4) for word in ("--set", f"categories.{n}.max_output_tokens=8")),
)
TINY = (
    *("--engine", "torch", "--option", "engine.device=cpu", "--option", "engine.random.layers=2"),
    *("--option", "engine.random.hidden=64", "--option", "engine.kv_tokens=8192"),
)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)
    assert isinstance(data, dict)
    return data


def test_live_then_calibrate_then_twin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the three commands would not fit together: run, entry, twin, and a simulated run."""
    run, entry = tmp_path / "run", tmp_path / "engine.yaml"
    live = printed(capsys, "live", "paper", *FEW, *TINY, "--out", str(run), "--json")
    assert live["completed"] == live["submitted"] == 30
    assert live["engine"]["planned_lengths"]
    assert live["slots"] == 4
    assert live["stopped"] is False
    assert live["telemetry"].endswith(".")
    fitted = printed(capsys, "calibrate", str(run), "--out", str(entry), "--json")
    assert fitted["cost"]["kind"] == "coefficients"
    twin = printed(
        capsys, "twin", str(run), "--cost", str(entry), "--policies", "sjf,fifo", "--json"
    )
    assert set(twin["errors"]) == {"ttft", "tpot", "e2el"}
    assert set(twin["errors"]["e2el"]) == {"p50", "p90", "p99"}
    assert list(twin["policies"]) == ["sjf"]
    assert twin["cost"] == fitted["cost"]
    simulated = printed(capsys, "run", "paper", *FEW, "--cost", str(entry), "--json")
    assert simulated["completed"] == 30
    assert main(["twin", str(run)]) == 0
    assert "E2E P99" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("live", "paper", "--engine", "torh"), "engine must be one of torch, openai, got 'torh'"),
        (("live", "paper"), "required: --engine"),
        (
            ("live", "paper", *TINY, "--option", "engine.sluts=3"),
            "engine.sluts is not an option (did you mean 'slots'?)",
        ),
        (("live", "paper", *TINY, "--slots", "0"), "slots must be >= 1, got 0"),
        (
            ("live", "paper", *TINY, "--endpoint", "http://127.0.0.1:1/v1"),
            "--endpoint is for the openai engine",
        ),
        (("calibrate",), "one of a run, --table, and --engine"),
        (
            ("calibrate", *TINY, "--batch", "0"),
            "--batch: must be a whole number from 1 to 1024, got '0'",
        ),
        (("twin", "no-such-run"), "run must be the id of a saved run"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a spelling mistake would be a traceback, or be ignored."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path))
    assert main(words) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert said in heard.err
    assert heard.err.count("\n") == 1


def test_ctrl_c_keeps_the_partial_run(tmp_path: Path) -> None:
    """Else half an hour of measurements would be lost to a keystroke."""
    words = ["live", "paper", *FEW, *TINY, "--set", "phases.1.requests=5000"]
    with subprocess.Popen(
        [sys.executable, "-m", "driftsched", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DRIFTSCHED_HOME": str(tmp_path)},
        preexec_fn=as_in_a_terminal,  # noqa: PLW1509  it calls nothing that could hold a lock
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "engine is ready" in line:
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=STEP_S)
    assert process.returncode == 130, said
    assert "saved as" in said
    library = RunLibrary(tmp_path)
    (run_id,) = library.list()["run_id"]
    requests = library.load(run_id).requests
    assert len(requests) == 5012
    assert (requests["status"] == "cancelled").any()
    assert set(requests["status"]) <= {"finished", "cancelled"}


def test_a_folder_is_a_run_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else runs of another machine could not be calibrated from."""
    folder = tmp_path / "simulated"
    assert main(["run", "paper", *FEW, "--out", str(folder)]) == 0
    capsys.readouterr()
    assert len(read_run(folder).requests) == 30
    found = printed(capsys, "calibrate", str(folder), "--json")
    assert found["fit"]["r2"] > 0.999
