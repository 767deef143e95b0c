"""The dispatcher against a scripted engine: who goes when, and what is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from driftsched.core.errors import CancelledError, RunError, ScenarioError
from driftsched.live import Call, EngineError, LiveRun, run_live
from driftsched.results import RunResult
from driftsched.scenario import Scenario
from driftsched.studio.live_view.figures import live_message
from tests.support.live_runs import (
    check_conserved,
    check_replayed,
    options,
    out_of_order,
    scaled_paper,
    watched,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.support.virtual_time import on_virtual_clock

MODES = ("continuous", "gang")
KEYS = {
    "fifo": lambda rows: rows["arrival_s"],
    "sjf": lambda rows: rows["total_token_budget"],
    "priority": lambda rows: rows["tier"].cat.codes,
}


def run(scenario: Scenario, scripted: ScriptedEngine, **changes: Any) -> RunResult:
    hooks = {name: changes.pop(name) for name in ("progress", "observer") if name in changes}
    return run_live(scenario, options(**{"time_scale": 0.1} | changes), engine=scripted, **hooks)


def run_timed(scenario: Scenario, scripted: ScriptedEngine, **changes: Any) -> RunResult:
    """The same on a virtual clock, for what goes by fractions of a second."""
    progress, observer = changes.pop("progress", None), changes.pop("observer", None)
    chosen = options(**{"time_scale": 0.1} | changes)
    live = LiveRun(scenario, chosen, engine=scripted, probes=(), progress=progress)
    if observer:
        observer(live)
    return on_virtual_clock(live)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", ["fifo", "sjf", "priority", "weighted", "aging"])
def test_whole_run(mode: str, policy: str) -> None:
    """Else a request would be lost, or a policy would act otherwise than in the simulation."""
    scenario = scaled_paper(mode, policy, **{"engine.batch_size": 3})
    engine = ScriptedEngine(step_s=0.001)
    result = run_timed(scenario, engine)
    check_conserved(result, 60)
    check_replayed(result)
    assert (result.requests["status"] == "finished").all()
    assert engine.most == [3]
    assert engine.closed == 1
    broken = {name: out_of_order(result.requests, key) for name, key in KEYS.items()}
    if policy in broken:
        assert broken[policy] == 0
        assert min(count for name, count in broken.items() if name != policy) > 0


def test_gang_ends_together_and_nobody_joins() -> None:
    """Else gang mode would be continuous batching under another name."""
    changes: dict[str, Any] = {"engine.batch_size": 4, "engine.batch_wait_s": 0.02}
    scenario = scaled_paper("gang", "fifo", **changes)
    result = run_timed(scenario, ScriptedEngine(step_s=0.001))
    gangs = result.requests.groupby("batch_id")
    assert (gangs["finish_s"].nunique() == 1).all()
    assert gangs.size().max() == 4
    ends, starts = gangs["finish_s"].first(), gangs["dispatch_s"].min()
    assert (starts.to_numpy()[1:] >= ends.to_numpy()[:-1]).all(), "two gangs at once"
    early = result.requests["last_token_s"] < result.requests["finish_s"] - 0.001
    assert early.any(), "nobody waited for the longest"


@pytest.mark.parametrize("mode", MODES)
def test_replicas_share_the_work(mode: str) -> None:
    """Else several endpoints would be used one after the other, or beyond their slots."""
    engine = ScriptedEngine(step_s=0.001, replicas=3, slots=2)
    result = run_timed(
        scaled_paper(mode, "fifo", **{"engine.batch_size": 8}), engine, time_scale=0.02
    )
    check_conserved(result, 60)
    assert engine.most == [2, 2, 2], "slots of the engine were not kept"
    assert result.requests["replica"].value_counts().min() >= 10
    assert set(result.gpus["replica"]) == {0, 1, 2}


def test_arrivals_keep_an_absolute_schedule() -> None:
    """Else lateness would add up, and a scaled run would have other gaps."""
    scenario = scaled_paper("continuous", "fifo")
    slow = run_timed(scenario, ScriptedEngine(), time_scale=0.2).requests
    fast = run_timed(scenario, ScriptedEngine(), time_scale=0.1).requests
    first = slow["phase"] == "learning"
    assert slow.loc[first, "arrival_s"].to_numpy() == pytest.approx(
        2 * fast.loc[first, "arrival_s"].to_numpy()
    )
    pause = slow.loc[~first, "arrival_s"].min() - slow.loc[first, "finish_s"].max()
    assert pause >= 0.2 * 0.2, "the next phase began before the drain and the pause were over"


def test_failures_are_rows_and_the_run_goes_on() -> None:
    """Else one bad request would end the run, or be lost."""

    def script(call: Call) -> EngineError | int | None:
        kinds: dict[int, EngineError | int] = {
            1: EngineError("HTTP 500: broken"),
            2: EngineError("busy", retryable=True),
            3: 0,
            4: 2,
        }
        return kinds.get(call.request_id % 7)

    engine = ScriptedEngine(script)
    result = run_timed(
        scaled_paper("continuous", "sjf"),
        engine,
        first_token_timeout_s=0.05,
        stall_timeout_s=0.06,
    )
    check_conserved(result, 60)
    check_replayed(result)
    rows = result.requests
    kind = rows["request_id"] % 7
    said = rows.groupby(kind)["reason"].unique().map(list).to_dict()
    assert said[1] == ["HTTP 500: broken"]
    assert said[2] == ["busy (3 attempts)"]
    assert said[3] == ["no first token after 0.05 s"]
    assert said[4] == ["no further token for 0.06 s after 2"]
    assert rows.loc[kind == 2, "attempts"].tolist() == [3] * int((kind == 2).sum())
    assert set(rows.loc[kind.isin([3, 4]), "status"]) == {"timed_out"}
    assert rows.loc[kind == 4, "first_token_s"].notna().all()
    assert set(rows.loc[kind == 4, "output_tokens"]) == {2}, "what was measured was thrown away"


def test_an_engine_that_raises_something_else_is_a_row_too() -> None:
    """Else a fault in an engine would take the whole run with it."""

    def script(call: Call) -> EngineError | int | None:
        if call.request_id == 5:
            raise KeyError("inside the engine")
        return None

    result = run(scaled_paper("gang", "fifo", 10), ScriptedEngine(script))
    check_conserved(result, 10)
    row = result.requests.loc[5]
    assert (row["status"], row["reason"]) == ("failed", "the engine raised KeyError")


def test_whole_time_limit_counts_all_attempts() -> None:
    """Else an engine that keeps asking for patience would hold its place for ever."""
    busy = EngineError("HTTP 429: slow down", retryable=True, retry_after_s=60)
    result = run_timed(
        scaled_paper("continuous", "fifo", 4),
        ScriptedEngine(lambda call: busy),
        timeout_s=0.1,
        retries={"attempts": 5, "most_s": 30},
    )
    check_conserved(result, 4)
    assert set(result.requests["status"]) == {"timed_out"}
    assert set(result.requests["reason"]) == {
        "no end after 0.1 s; attempt 1, after: HTTP 429: slow down"
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", ["cancel", "progress"])
def test_cancel_keeps_what_was_measured_and_stops_within_a_second(mode: str, way: str) -> None:
    """Else a stopped run would lose its rows, leave some without an end, or go on for long."""
    runs: list[LiveRun] = []
    engine = ScriptedEngine(lambda call: 1 if call.request_id >= 20 else None, step_s=0.001)

    def progress(share: float) -> None:
        if len(engine.calls) > 20 and sum(engine.running) == len(engine.calls) - 20:
            if way == "progress":
                raise CancelledError("enough")
            runs[0].cancel()

    result = run_timed(
        scaled_paper(mode, "fifo", **{"engine.batch_size": 4}),
        engine,
        progress=progress,
        observer=runs.append,
        telemetry_s=0.05,
    )
    check_conserved(result, 60)
    check_replayed(result)
    live = result.provenance["live"]
    assert live["ended_s"] - live["stop_asked_s"] < 1.0
    rows = result.requests
    counts = rows["status"].value_counts()
    assert counts["finished"] >= 16
    assert counts["finished"] + counts["cancelled"] == 60
    running = rows["first_token_s"].notna() & (rows["status"] == "cancelled")
    assert set(rows.loc[running, "output_tokens"]) == {1}
    never = rows["arrival_s"].isna()
    assert never.any()
    assert set(rows.loc[never, "reason"]) == {"the run was stopped before it came"}
    assert engine.closed == 1
    assert sum(engine.running) == 0, "calls were left in the engine"


def test_cancel_before_the_start() -> None:
    """Else a stop during the loading of a model would be forgotten."""
    result = run(scaled_paper("gang", "fifo", 10), ScriptedEngine(), observer=lambda r: r.cancel())
    check_conserved(result, 10)
    assert set(result.requests["status"]) == {"cancelled"}


def test_snapshots_from_another_thread_grow_to_the_result() -> None:
    """Else the live view would show rows that change later, or tables that do not fit together."""
    runs: list[LiveRun] = []
    results: list[RunResult] = []
    scenario = scaled_paper("continuous", "sjf", **{"engine.batch_size": 4})
    engine = ScriptedEngine(step_s=0.02)
    seen = watched(lambda: results.append(run(scenario, engine, observer=runs.append)), runs)
    last = runs[0].snapshot()
    assert last.done
    assert last.ended == {"finished": 60}
    assert len(seen) > 3
    final = results[0].requests.set_index("request_id")
    for snapshot in [*seen, last]:
        rows = snapshot.tables["requests"]
        assert len(rows) == snapshot.arrived
        ended = rows[rows["status"] == "finished"].set_index("request_id")
        assert ended["finish_s"].equals(final.loc[ended.index, "finish_s"]), "an ended row changed"
        total = sum(snapshot.ended.values()) + snapshot.waiting + snapshot.running
        assert total == snapshot.arrived
        seen_then = live_message("run", "t", snapshot.tables, now_s=snapshot.now_s, done=False)
        assert seen_then["counts"]["finished"][-1] <= snapshot.ended.get("finished", 0)


def test_engine_that_does_not_open_is_one_error_line() -> None:
    """Else a wrong address would end in a traceback, or leave the engine open."""
    engine = ScriptedEngine(open_error=RunError("engine.endpoints: refused"))
    with pytest.raises(RunError, match=r"^engine.endpoints: refused$"):
        run(scaled_paper("gang", "fifo", 4), engine)
    assert engine.closed == 1


@pytest.mark.parametrize(
    "part", [("compensator", "oracle"), ("predictor", "noisy_oracle"), ("predictor", "refined")]
)
def test_an_oracle_needs_planned_lengths(part: tuple[str, str]) -> None:
    """Else lengths that were never real would be called an oracle's."""
    name, kind = part
    scenario = scaled_paper("continuous", "fifo", 4, **{f"estimator.{name}.kind": kind})
    with pytest.raises(ScenarioError, match="real model's lengths are not known"):
        run(scenario, ScriptedEngine())
    result = run(scenario, ScriptedEngine(planned_lengths=True))
    assert (result.requests["status"] == "finished").all()


def test_engine_queue_sends_all_at_once_with_the_policys_score() -> None:
    """Else the engine's own queue would be given the wrong order, or none."""
    scenario = scaled_paper("continuous", "sjf", **{"engine.batch_size": 2})
    engine = ScriptedEngine(step_s=0.001)
    kind = {"kind": "openai", "priority": "lower_first"}
    result = run_timed(scenario, engine, engine_queue=True, engine=kind, time_scale=0.02)
    check_conserved(result, 60)
    assert engine.most[0] > 2
    waits = result.requests["queue_wait_s"]
    assert waits.max() < 0.5 * result.requests["e2e_s"].max()
    sent = {call.request_id: call.priority for call in engine.calls}
    assert sent == result.requests["total_token_budget"].to_dict()


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        (
            scaled_paper("gang", "fifo", 4),
            "engine.mode must be continuous for engine_queue, got gang",
        ),
        (scaled_paper("continuous", "weighted", 4), "policy must give each request a score"),
    ],
)
def test_engine_queue_refuses_what_it_cannot_order(scenario: Scenario, said: str) -> None:
    """Else a cycle of turns would be sent as if it were a score."""
    kind = {"kind": "openai", "priority": "lower_first"}
    with pytest.raises(ScenarioError, match=said):
        run(scenario, ScriptedEngine(), engine_queue=True, engine=kind)
