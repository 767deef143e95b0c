"""Marks of a live run: phases and drift where they were, and no event that never happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftsched.live import LiveRun, run_live
from driftsched.results import RunResult, read_run, write_parquet
from driftsched.results.marks import run_marks
from driftsched.scenario import Scenario
from tests.support.live_runs import options, watched
from tests.support.scenarios import small
from tests.support.scripted_engine import ScriptedEngine
from tests.support.virtual_time import virtual_run

GAP_S = 1.0
"""Between two arrivals; the first comes as long after its phase begins."""


def drifting() -> Scenario:
    """Answers of 10 tokens, twice as long from 3.5 s of each phase on; and an outage."""
    arrivals = {"kind": "uniform", "low_s": GAP_S, "high_s": GAP_S}
    phase = {"arrivals": arrivals, "mix": {"short_qa": 1}, "requests": 8, "pause_s": 2.0}
    category = {
        "name": "short_qa",
        "base_tokens": 10,
        "max_output_tokens": 100,
        "output_tokens": {"kind": "constant", "tokens": 10},
    }
    drift = [
        {"kind": "step", "factor": 2, "at_s": 3.5, "phase": name, "label": f"longer in {name}"}
        for name in ("one", "two")
    ]
    return small(
        categories=[category],
        phases=[phase | {"name": "one", "drain": True}, phase | {"name": "two"}],
        drift=drift,
        events=[{"kind": "outage", "replica": 0, "from_s": 1, "to_s": 2}],
        engine={"mode": "continuous", "batch_size": 2},
    )


@pytest.mark.parametrize("time_scale", [0.25, 1.0, 3.0])
def test_drift_stands_where_the_requests_it_changed_came(time_scale: float) -> None:
    """Else a scaled run would show drift before, or long after, what it did."""
    result = virtual_run(drifting(), options(time_scale=time_scale), 0.3)
    rows, marks = result.requests, {label: at for at, label in run_marks(result)}
    assert set(marks) == {"one", "two", "longer in one", "longer in two"}
    drained = rows.loc[rows["phase"] == "one", "finish_s"].max()
    for phase, begun, tokens in (("one", 0.0, 10), ("two", drained + 2.0 * time_scale, 20)):
        mine = rows[rows["phase"] == phase]
        assert marks[phase] == mine["arrival_s"].min()
        at = marks[f"longer in {phase}"]
        assert at == pytest.approx(begun + 3.5 * time_scale, abs=1e-6)
        later = mine["arrival_s"] >= at
        assert mine.loc[later, "output_tokens"].tolist() == [2 * tokens] * 5
        assert mine.loc[~later, "output_tokens"].tolist() == [tokens] * 3


def test_marks_appear_as_the_run_comes_to_them(tmp_path: Path) -> None:
    """Else the picture of a run under way would lack its drift, or show it before its time."""
    runs: list[LiveRun] = []
    results: list[RunResult] = []

    def go() -> None:
        engine = ScriptedEngine(step_s=0.001)
        results.append(
            run_live(drifting(), options(time_scale=0.1), engine=engine, observer=runs.append)
        )

    seen = watched(go, runs)
    final = [(at, label) for at, label in run_marks(results[0]) if label.startswith("longer")]
    assert [label for _, label in final] == ["longer in one", "longer in two"]
    for snapshot in seen:
        assert list(snapshot.drift_marks) == [mark for mark in final if mark[0] <= snapshot.now_s]
    assert {len(snapshot.drift_marks) for snapshot in seen} == {0, 1, 2}
    write_parquet(results[0], tmp_path / "run")
    assert run_marks(read_run(tmp_path / "run")) == run_marks(results[0])
