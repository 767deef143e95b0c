"""Clients who react, live: closed loops, patience and retries as in the simulation."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftsched.core.errors import ScenarioError
from driftsched.live import EngineError, LiveRun, run_live
from driftsched.live.torch_engine import TorchEngine
from driftsched.live.traffic import live_scenario, live_workload
from driftsched.scenario import Scenario, parse_scenario
from driftsched.scheduling.policies import ScorePolicy
from driftsched.simulation import simulate
from driftsched.workload import Workload, generate
from tests.live.models import tiny
from tests.support.live_runs import check_conserved, crowd, options, watched
from tests.support.reactive import reactive
from tests.support.scenarios import small
from tests.support.scripted_engine import ScriptedEngine
from tests.support.virtual_time import on_virtual_clock, virtual_run

STEP_S = 0.0137
STEADY = {
    "gpu": "B200",
    "memory_utilisation": 1.0,
    "cost": {"kind": "coefficients", "overhead_s": STEP_S, "weights_s": 0, "token_s": 0},
}
"""A modelled engine whose iterations all last equally long, and whose memory never ends."""
EXACT = ("arrival_s", "dispatch_s", "first_token_s", "finish_s")
EQUAL = ("tenant", "category", "attempt", "retry_of", "user", "status", "reason", "phase")


def steady(scenario: Scenario, engine: dict[str, Any]) -> Scenario:
    """The scenario on the steady engine, with lengths that both worlds count alike.

    A policy whose scores follow the moment, or tokens as they are given, is left out: who comes,
    and what is given, within one instant is a turn of the event loop apart on the wall clock. So is
    one that interrupts requests, which no live engine does.
    """
    policy = scenario.policy
    assume(not (isinstance(policy, ScorePolicy) and (policy.rescored or policy.preempts)))
    assume(not getattr(policy, "by_tokens", False))
    data = scenario.model_dump(mode="json", by_alias=True)
    data |= {"cluster": STEADY, "events": [], "engine": engine}
    data["estimator"]["unit"] = "tokens"
    return parse_scenario(data)


def traffic(scenario: Scenario) -> Workload:
    """Its workload as a live run sends it, no two times so close that rounding decides."""
    try:
        drawn = generate(scenario)
    except ScenarioError:  # a short phase without a single request
        assume(False)
        raise
    drawn = replace(drawn, arrival_s=drawn.arrival_s.round(6))
    return live_workload(drawn)


def both(scenario: Scenario, time_scale: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Requests of the scenario simulated, and run live on a virtual clock."""
    workload = traffic(scenario)
    played = live_scenario(scenario, time_scale), live_workload(workload, time_scale)
    simulated = simulate(*played, engine="simpy")
    unlimited = {"timeout_s": 80_000, "first_token_timeout_s": 80_000, "stall_timeout_s": 80_000}
    chosen = options(time_scale=time_scale, **unlimited)
    live = virtual_run(scenario, chosen, STEP_S, workload)
    return simulated.requests, live.requests


def assert_alike(simulated: pd.DataFrame, live: pd.DataFrame) -> None:
    """Same tries, same order, same ends, same times."""
    assert len(live) == len(simulated)
    for name in EQUAL:
        assert live[name].astype(str).tolist() == simulated[name].astype(str).tolist(), name
    for name in EXACT:
        np.testing.assert_allclose(live[name], simulated[name], atol=1e-5, err_msg=name)


@settings(max_examples=15)
@given(reactive(), st.sampled_from([1.0, 0.25, 3.0]))
def test_one_at_a_time_equals_the_simulation(scenario: Scenario, time_scale: float) -> None:
    """Else a live run would answer another question than the simulation of its scenario."""
    one = steady(scenario, {"mode": "continuous", "batch_size": 1})
    assert_alike(*both(one, time_scale))


@settings(max_examples=15)
@given(reactive(), st.integers(2, 5))
def test_gangs_equal_the_simulation(scenario: Scenario, size: int) -> None:
    """Else clients who leave a gang would free, or keep, other places than in the simulation.

    An answer that is complete and waits for its gang is given up at once, and not at the end of an
    iteration; so no tenant's running limit may hang on it here.
    """
    data = scenario.model_dump(mode="json", by_alias=True)
    for tenant in data["tenants"]:
        tenant["limits"]["running"] = None
    gang = {"mode": "gang", "batch_size": size, "batch_wait_s": 0.05}
    simulated, live = both(steady(parse_scenario(data), gang))
    gave_up = live["status"].isin(["timed_out", "cancelled"]) & live["first_token_s"].notna()
    late = (simulated["finish_s"] - live["finish_s"])[gave_up]
    assert late.between(-1e-5, STEP_S + 1e-5).all()
    live.loc[gave_up, "finish_s"] = simulated.loc[gave_up, "finish_s"]
    assert_alike(simulated, live)


def test_vtc_serves_by_the_tokens_that_were_given() -> None:
    """Else the tenant that sends most would be served most, live as under FIFO."""
    tenants = [{"name": "loud", "share": 0.8}, {"name": "quiet", "share": 0.2}]
    flood = {
        "name": "flood",
        "requests": 80,
        "arrivals": {"kind": "poisson", "rate_rps": 500},
        "mix": {"short_qa": 1},
    }
    drawn = small(tenants=tenants, phases=[flood], policy={"kind": "vtc"})
    data = drawn.model_dump(mode="json", by_alias=True) | {"cluster": STEADY}
    data["engine"] = {"mode": "continuous", "batch_size": 1}
    data["estimator"]["unit"] = "tokens"
    simulated, live = both(parse_scenario(data))
    assert_alike(simulated, live)
    first = live.sort_values("dispatch_s").head(24)["tenant"].value_counts()
    assert first["quiet"] >= 8, "a fifth of the requests, and half of the service while both wait"


def test_times_are_scaled_for_clients_alone() -> None:
    """Else a hurried run would keep its users thinking, waiting and pausing as long as before."""
    plain, hurried = (
        virtual_run(crowd(), options(time_scale=scale, slots=1), scale * 0.04).requests
        for scale in (1.0, 0.1)
    )
    for name in ("attempt", "retry_of", "user", "status"):
        assert hurried[name].tolist() == plain[name].tolist()
    for name in EXACT:
        np.testing.assert_allclose(hurried[name], 0.1 * plain[name], atol=1e-5)
    assert set(hurried["reason"]) == {
        "",
        "no first token within 0.12 s",
        "not finished within 0.3 s",
    }


def test_clients_who_leave_free_the_engine() -> None:
    """Else the engine would go on for nobody, and others would wait for its place."""
    engine = ScriptedEngine(lambda call: 3 if call.request_id % 8 == 1 else None, step_s=0.001)
    scenario = crowd()
    live = LiveRun(scenario, options(time_scale=0.1), engine=engine, probes=())
    result = on_virtual_clock(live)
    rows = result.requests
    check_conserved(result, len(rows))
    assert engine.most == [2]
    assert sum(engine.running) == 0
    left = rows[(rows["status"] == "timed_out") & rows["first_token_s"].notna()]
    assert set(left["reason"]) == {"not finished within 0.3 s"}
    stuck = left[left["request_id"] % 8 == 1]
    assert stuck["output_tokens"].between(1, 3).all(), "what came before was thrown away"
    again = rows[rows["retry_of"].isin(left["request_id"])]
    assert (again["status"] == "finished").any()
    assert (again["attempt"] > 1).all()
    planned = {call.request_id: call.planned_output_tokens for call in engine.calls}
    for number, former in again["retry_of"].items():
        if number in planned:
            assert planned[int(str(number))] == planned[former], "the retry asks for another length"


def test_a_client_leaves_while_the_engine_is_tried_again() -> None:
    """Else a pause after a 429 would hold a place for somebody who has gone."""
    busy = EngineError("HTTP 429: slow down", retryable=True, retry_after_s=60)
    live = LiveRun(
        crowd(requests=6),
        options(time_scale=0.1, retries={"attempts": 9, "most_s": 60}),
        engine=ScriptedEngine(lambda call: busy),
        probes=(),
    )
    result = on_virtual_clock(live)
    rows = result.requests
    check_conserved(result, 18)
    assert set(rows["status"]) == {"timed_out"}
    assert set(rows["reason"]) == {"no first token within 0.12 s"}
    assert rows["finish_s"].max() < 3.0


@pytest.mark.parametrize("timed", [False, True])
def test_stopped_loops_keep_what_came(timed: bool) -> None:
    """Else a stopped run would lose rows, or make up requests that perhaps nobody had made."""
    runs: list[LiveRun] = []

    def progress(share: float) -> None:
        assert 0 <= share <= 1
        if share > 0.3:
            threading.Thread(target=runs[0].cancel).start()

    changes = {"requests": None, "duration_s": 20.0} if timed else {}
    result = run_live(
        crowd(**changes),
        options(time_scale=0.1, telemetry_s=0.05),
        engine=ScriptedEngine(step_s=0.001),
        progress=progress,
        observer=runs.append,
    )
    rows = result.requests
    check_conserved(result, len(rows))
    assert (rows["status"] == "finished").sum() > 5
    never = rows["arrival_s"].isna()
    assert never.any() == (not timed)
    assert set(rows.loc[never, "attempt"]) <= {1}
    first_tries = (rows["attempt"] == 1).sum()
    assert first_tries < 60 if timed else first_tries == 60
    assert runs[0].snapshot().requests == len(rows)


def test_how_many_will_come_is_told_by_the_pace_so_far() -> None:
    """Else a loop of slow answers would seem to stand at a tenth of its way until it ends."""
    runs: list[LiveRun] = []
    scenario = crowd(requests=None, duration_s=25.0)
    planned = len(generate(scenario))
    engine = ScriptedEngine(step_s=0.01)
    faster = options(time_scale=0.1)
    seen = watched(lambda: run_live(scenario, faster, engine=engine, observer=runs.append), runs)
    last = runs[0].snapshot()
    assert last.done
    assert last.requests == last.arrived == sum(last.ended.values())
    assert last.requests < 0.8 * planned
    assert all(snapshot.arrived <= snapshot.requests for snapshot in seen)
    later = [snapshot.requests for snapshot in seen if snapshot.now_s > 1.5]
    assert later, "no snapshot of the second half"
    assert max(later) < 0.9 * planned


def test_a_real_engine_lets_go_of_who_has_left() -> None:
    """Else torch would compute answers for nobody, and hold their cache."""
    kinds = {"short": 3, "endless": 1900}
    categories = [
        {
            "name": name,
            "base_tokens": tokens,
            "max_output_tokens": tokens,
            "output_tokens": {"kind": "constant", "tokens": tokens},
        }
        for name, tokens in kinds.items()
    ]
    think = {"kind": "constant", "seconds": 0.1}
    phase = {
        "name": "only",
        "requests": 12,
        "arrivals": {"kind": "closed_loop", "users": 2, "think": think},
        "mix": dict.fromkeys(kinds, 0.5),
    }
    tenant = {"name": "all", "share": 1, "patience": {"timeout_s": 0.8}}
    engine = {"mode": "continuous", "batch_size": 2}
    scenario = small(tenants=[tenant], categories=categories, phases=[phase], engine=engine)
    result = run_live(
        scenario, options(engine={"kind": "torch"}), engine=TorchEngine(tiny(slots=2))
    )
    rows = result.requests
    check_conserved(result, 12)
    endless = rows["category"] == "endless"
    assert set(rows.loc[endless, "reason"]) == {"not finished within 0.8 s"}
    assert (rows.loc[endless, "output_tokens"] < 1900).all()
    third = rows.loc[endless, "finish_s"].nsmallest(3).max()
    after = rows[~endless & (rows["arrival_s"] > third)]
    assert (after["status"] == "finished").any(), "those who had left kept both places"
