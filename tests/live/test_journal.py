"""Rows of a live run outlive its program, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from driftsched.cli.main import main
from driftsched.core.errors import RunError
from driftsched.live import EngineError, run_live
from driftsched.live.journal import left_behind, recover
from driftsched.results import RunLibrary
from tests.support.commands import as_in_a_terminal
from tests.support.faulty_server import FaultyServer
from tests.support.live_runs import check_conserved, crowd, options, scaled_paper
from tests.support.patience import STEP_S
from tests.support.scripted_engine import ScriptedEngine

SHORT = (
    *("--set", "phases.0.requests=20", "--set", "phases.1.requests=20"),
    *("--set", "phases.0.pause_s=0", "--set", "engine.batch_size=4"),
    *("--engine", "openai", "--engine-mode", "continuous", "--time-scale", "0.05"),
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path))


@pytest.mark.parametrize("mode", ["continuous", "gang", "crowd"])
def test_a_journal_has_all_that_the_tables_have(mode: str, tmp_path: Path) -> None:
    """Else a recovered run would tell other times, lengths or ends than the run itself."""
    scenario = crowd() if mode == "crowd" else scaled_paper(mode, "sjf", 20)
    broken = EngineError("out of memory")
    engine = ScriptedEngine(lambda call: broken if call.request_id % 7 == 3 else None, step_s=0.001)
    path = tmp_path / "run.jsonl"
    result = run_live(
        scenario, options(time_scale=0.02, telemetry_s=0.1), engine=engine, journal=path, probes=()
    )
    again = recover(path)
    check_conserved(again, len(result.requests))
    for name in ("requests", "learning", "gpus", "queues"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(result, name), check_categorical=False
        )
    for name in ("options", "slots", "started_at"):
        assert again.provenance["live"][name] == result.provenance["live"][name]


def test_a_cut_journal_is_a_run_of_what_had_ended(tmp_path: Path) -> None:
    """The last line may be half written, and later ones are not there."""
    path = tmp_path / "run.jsonl"
    run_live(
        scaled_paper("continuous", "fifo", 20),
        options(time_scale=0.02),
        engine=ScriptedEngine(),
        journal=path,
        probes=(),
    )
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:8]) + lines[8][:20])
    again = recover(path)
    assert len(again.requests) == 20
    ends = again.requests["status"].value_counts()
    assert ends["finished"] == sum('"row"' in line for line in lines[:8]) > 0
    assert ends["finished"] + ends["cancelled"] == 20
    path.write_text(lines[0][:50])
    with pytest.raises(RunError, match="cannot be recovered: it is empty"):
        recover(path)


def started(*words: str, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "driftsched", "live", "paper", *SHORT, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"DRIFTSCHED_HOME": str(home)},
        preexec_fn=as_in_a_terminal,  # noqa: PLW1509  it calls nothing that could hold a lock
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_signal_loses_rows(number: signal.Signals, tmp_path: Path) -> None:
    """Half an hour of measurements was lost to a closed terminal."""
    faults = ".".join(["fine"] * 10 + ["silent"])  # it never comes to its end by itself
    with (
        FaultyServer() as server,
        started("--endpoint", server.address(faults), home=tmp_path) as process,
    ):
        journal: list[Path] = []
        for _ in range(int(STEP_S / 0.1)):
            journal = list((tmp_path / "live").glob("*.jsonl"))
            if journal and journal[0].read_text().count('"row"') >= 10:
                break
            time.sleep(0.1)
        assert left_behind() == []
        process.send_signal(number)
        _, said = process.communicate(timeout=STEP_S)
    if number == signal.SIGKILL:
        assert left_behind() == journal
        assert main(["library", "--recover"]) == 0
    else:
        assert process.returncode == 130, said
    assert left_behind() == []
    library = RunLibrary(tmp_path)
    (run_id,) = library.list()["run_id"]
    requests = library.load(run_id).requests
    assert len(requests) == 40
    assert (requests["status"] == "finished").sum() >= 10
    assert (requests["status"] == "cancelled").any()


def test_a_full_disk_takes_no_figures_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was over, and nobody was told what came of it."""

    def full(*_: Any) -> str:
        raise RunError("cannot save the run: No space left on device")

    monkeypatch.setattr(RunLibrary, "save", full)
    monkeypatch.setattr("driftsched.cli.live.journal_path", lambda: Path("/dev/full"))
    monkeypatch.setattr(Path, "unlink", full)
    with FaultyServer() as server:
        endpoint = ("--endpoint", server.address("fine"))
        assert main(["live", "paper", *SHORT, *endpoint, "--save", "--json"]) == 1
    heard = capsys.readouterr()
    assert json.loads(heard.out)["completed"] == 40
    assert "rows are not kept meanwhile: No space left on device" in heard.err
    assert "error: cannot save the run" in heard.err
