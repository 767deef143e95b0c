"""A stopped run's tables have gaps that no simulated run has: everything must cope with them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from driftsched.charts.report import html_report, report_figures
from driftsched.live import Call, EngineError, LiveRun, run_live
from driftsched.results import (
    RunResult,
    estimation_table,
    export_zip,
    metrics_table,
    paper_tables,
    read_run,
    summarise,
    write_parquet,
)
from driftsched.studio.live_view.figures import live_message
from tests.support.littles_law import littles_law
from tests.support.live_runs import check_conserved, options, scaled_paper
from tests.support.scripted_engine import ScriptedEngine


@pytest.fixture(scope="module", params=["before anything came", "midway"])
def stopped(request: pytest.FixtureRequest) -> RunResult:
    def script(call: Call) -> EngineError | int | None:
        kinds: dict[int, EngineError | int] = {3: EngineError("HTTP 500: broken"), 4: 0, 5: 2}
        return 1 if call.request_id >= 24 else kinds.get(call.request_id % 8)

    runs: list[LiveRun] = []
    engine = ScriptedEngine(script, step_s=0.001)

    def progress(share: float) -> None:
        if len(engine.calls) > 24:
            threading.Thread(target=runs[0].cancel).start()

    def observe(run: LiveRun) -> None:
        runs.append(run)
        if request.param != "midway":
            run.cancel()

    return run_live(
        scaled_paper("continuous", "sjf", **{"engine.batch_size": 4}),
        options(time_scale=0.1, first_token_timeout_s=0.05, stall_timeout_s=0.1, telemetry_s=0.05),
        engine=engine,
        progress=progress,
        observer=observe,
    )


def test_metrics_and_exports(stopped: RunResult, tmp_path: Path) -> None:
    """Else a stopped run could not be looked at, kept or handed on."""
    check_conserved(stopped, 60)
    rows = stopped.requests
    summary = summarise(rows, stopped.scenario)
    assert summary["completed"] == (rows["status"] == "finished").sum()
    assert summary["cancelled"] == (rows["status"] == "cancelled").sum()
    assert len(metrics_table(stopped)) > 3
    assert len(paper_tables(stopped)["metrics.csv"]) == 60
    law = littles_law(stopped)
    both = law[["mean_waiting", "rate_times_wait"]].to_numpy()
    np.testing.assert_allclose(both[:, 0], both[:, 1], rtol=1e-9)
    assert estimation_table(stopped) is not None
    write_parquet(stopped, tmp_path / "run")
    again = read_run(tmp_path / "run")
    assert again.requests.equals(rows)
    assert again.gpus.equals(stopped.gpus)


def test_pictures_and_report(stopped: RunResult) -> None:
    """Else the Run page would show a traceback after a stop."""
    figures = report_figures(stopped)
    assert len(figures) > 3
    report = html_report(stopped, figures, "python -m driftsched live paper")
    assert len(export_zip(stopped, "python -m driftsched live paper", report)) > 10_000
    tables = {name: getattr(stopped, name) for name in ("requests", "queues", "gpus", "learning")}
    assert live_message("run", "a stopped run", tables)["done"]
