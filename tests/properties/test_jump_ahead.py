"""The simulator equals an engine that iterates token by token."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import assume, given, reject, settings

from driftsched.results.outcomes import STATUSES
from driftsched.scenario import Scenario, load_scenario
from driftsched.simulation import simulate
from driftsched.workload import generate
from tests.support.scenarios import scenarios
from tests.support.token_by_token import token_by_token

TIMES = ("arrival_s", "dispatch_s", "first_token_s", "finish_s")


def assert_equal_to_token_by_token(scenario: Scenario) -> pd.DataFrame:
    # Bursty gaps go down to 1e-20 s, where the last bit of a time decides what comes first, and the
    # two engines sum in different orders. A microsecond apart, or exactly together, none is unsure.
    drawn = generate(scenario)
    workload = replace(drawn, arrival_s=drawn.arrival_s.round(6))
    table = simulate(scenario, workload, engine="simpy").requests
    requests, _ = token_by_token(scenario, workload)
    slow_s = [r.arrival_s for r in requests]
    # Rounding may have moved one past the beginning of the next phase, too.
    if nearly_tied(table["arrival_s"].tolist()) or nearly_tied(slow_s) or slow_s != sorted(slow_s):
        reject()
    assert [r.status for r in requests] == table["status"].tolist()
    assert [r.reason for r in requests] == table["reason"].tolist()
    for name in TIMES:
        slow = np.array([getattr(r, name) for r in requests])
        np.testing.assert_allclose(table[name], slow, rtol=1e-9, atol=1e-9, err_msg=name)
    assert [r.replica for r in requests] == table["replica"].tolist()
    assert [r.preemptions for r in requests] == table["preemptions"].tolist()
    estimates = [r.estimated_output_tokens for r in requests]
    assert estimates == table["estimated_output_tokens"].tolist()
    return table


def nearly_tied(arrival_s: list[float]) -> bool:
    """Whether rounding decides which of two requests comes first.

    Clients make such ties: one asks again 0.7 s after an answer, another 0.02 s after a 0.68.
    """
    gaps = np.diff(np.sort(arrival_s))
    return bool(((gaps > 0) & (gaps < 1e-9)).any())


@settings(max_examples=200)
@given(scenarios())
def test_every_time_and_estimate_equals_iterating_token_by_token(scenario: Scenario) -> None:
    # Not shown for several replicas: there the slow one dispatches an iteration later at times.
    interrupts = getattr(scenario.policy, "preempts", False)
    assume(not interrupts or len(scenario.cluster.machines) == 1)
    assert_equal_to_token_by_token(scenario)


@settings(max_examples=100)
@given(scenarios())
def test_each_request_ends_once_and_in_order(scenario: Scenario) -> None:
    result = simulate(scenario, engine="simpy")
    table = result.requests
    assert table["status"].isin(STATUSES).all()
    finished = table[table["status"] == "finished"]
    for earlier, later in pairwise(TIMES):
        assert (finished[later] >= finished[earlier]).all()
    assert (table.loc[table["status"] == "rejected", "reason"] != "").all()
    assert len(result.learning) == len(finished)
    queues = result.queues
    assert (queues[["waiting", "running"]] >= 0).all(axis=None)
    last = queues.groupby("tenant", observed=True).last()
    assert (last[["waiting", "running"]] == 0).all(axis=None)
    in_engine = (
        queues.assign(row=queues.index)
        .pivot_table(index="row", columns="tenant", values="running", observed=True)
        .ffill()
    )
    if not getattr(scenario.policy, "preempts", False):  # there who was interrupted is counted too
        places = scenario.engine.batch_size * len(scenario.cluster.machines)
        assert (in_engine.sum(axis=1) <= places).all()


def test_the_paper_presets_equal_iterating_token_by_token() -> None:
    for name in ("paper", "paper-continuous"):
        scenario = load_scenario(name, ["phases.0.requests=60", "phases.1.requests=120"])
        table = assert_equal_to_token_by_token(scenario)
        assert (table["status"] == "finished").all()
