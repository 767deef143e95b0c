"""SRPT, and with it preemption as a policy's flag, against the optimum and by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.scenario import Scenario, changed
from driftsched.simulation import simulate
from driftsched.simulation.fleet import kv_tokens
from driftsched.workload import Workload, generate
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

SECOND = {"kind": "coefficients", "overhead_s": 0.5, "weights_s": 0.5, "token_s": 0.0}
"""An iteration takes a second, whatever is in it: computing again what was interrupted is free."""

Jobs = list[tuple[int, int]]
"""Arrival in whole seconds, and output tokens."""


def one_at_a_time(jobs: Jobs, policy: str, **parameters: float) -> tuple[Scenario, Workload]:
    """One server, one request in it, an oracle for its length; prompts of one token."""
    scenario = small(
        policy={"kind": policy, **parameters},
        engine={"mode": "continuous", "batch_size": 1},
        cluster={"cost": SECOND},
        estimator={"unit": "tokens", "compensator": {"kind": "oracle"}},
    )
    scenario = changed(
        scenario, phases=[scenario.phases[0].model_copy(update={"requests": len(jobs)})]
    )
    drawn = generate(scenario)
    arrival_s, tokens = np.array(sorted(jobs), dtype=np.int64).T
    return scenario, replace(
        drawn,
        arrival_s=arrival_s.astype(float),
        prompt_tokens=np.ones_like(drawn.prompt_tokens),
        output_tokens=tokens.astype(drawn.output_tokens.dtype),
    )


def run(jobs: Jobs, **parameters: float) -> pd.DataFrame:
    scenario, workload = one_at_a_time(jobs, "srpt", **parameters)
    return simulate(scenario, workload, engine="simpy").requests


def least_total_latency(jobs: Jobs) -> int:
    """Least sum of latencies over all ways to give each second to one of those who are there."""

    @cache
    def best(now: int, left: tuple[int, ...]) -> int:
        open_jobs = [n for n, tokens in enumerate(left) if tokens]
        if not open_jobs:
            return 0
        there = [n for n in open_jobs if jobs[n][0] <= now]
        if not there:
            return best(min(jobs[n][0] for n in open_jobs), left)
        # Who is there waits a second, whoever is served in it.
        after = ((*left[:n], left[n] - 1, *left[n + 1 :]) for n in there)
        return len(there) + min(best(now + 1, one) for one in after)

    return best(0, tuple(tokens for _, tokens in jobs))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 6)), min_size=1, max_size=5).map(sorted)
)
def test_with_known_lengths_no_schedule_has_a_lower_mean_latency(jobs: Jobs) -> None:
    """Schrage's theorem; else it is not the shortest remaining time that goes first."""
    table = run(jobs, limit=1)
    latency = (table["finish_s"] - table["arrival_s"]).sum()
    assert latency == least_total_latency(jobs)


def test_a_long_answer_gives_way_and_goes_on_where_it_was() -> None:
    table = run([(0, 10), (3, 2)])
    assert table["finish_s"].tolist() == [12, 5]
    assert table["first_token_s"].tolist() == [1, 4]
    assert table["preemptions"].tolist() == [1, 0]
    assert table["dispatch_s"].tolist() == [0, 3]


@pytest.mark.parametrize(("limit", "first"), [(0.0, 0), (0.5, 0), (0.9, 1)])
def test_one_that_is_nearly_done_by_its_estimate_is_left_alone(limit: float, first: int) -> None:
    """Six of ten tokens are given when the short one comes."""
    assert run([(0, 10), (6, 2)], limit=limit)["finish_s"].argmin() == first


@pytest.mark.parametrize(("comes", "finishes"), [(10, [40, 42]), (20, [42, 22])])
def test_under_mlfq_an_answer_that_has_sunk_gives_way_to_a_newcomer(
    comes: int, finishes: list[int]
) -> None:
    """The first level holds sixteen tokens; on one level the oldest goes on."""
    scenario, workload = one_at_a_time([(0, 40), (comes, 2)], "mlfq", quantum=16)
    table = simulate(scenario, workload, engine="simpy").requests
    assert table["finish_s"].tolist() == finishes


def test_without_preemption_it_is_sjf() -> None:
    jobs = [(0, 10), (1, 3), (2, 2), (2, 9), (11, 1)]
    scenario, workload = one_at_a_time(jobs, "sjf")
    pd.testing.assert_frame_equal(
        run(jobs, limit=0.0), simulate(scenario, workload, engine="simpy").requests
    )


def test_one_prompt_at_a_time_is_computed_in_pieces() -> None:
    """The place in the budget of one that gave way is the newcomer's, else two prompts are open."""
    scenario, workload = one_at_a_time([(0, 90), (50, 5), (50, 50)], "srpt")
    engine = {"mode": "continuous", "batch_size": 4, "max_num_batched_tokens": 12}
    cluster = {"cost": SECOND, "memory_utilisation": 0.2015}
    scenario = changed(scenario, engine=engine, cluster=cluster)
    assert kv_tokens(scenario.engine, scenario.cluster) == 793
    workload = replace(
        workload,
        prompt_tokens=np.array([375, 40, 137]),
        max_output_tokens=np.array([100, 435, 100]),  # the second has no room beside the first
    )
    table = simulate(scenario, workload, engine="simpy").requests
    assert table["preemptions"].tolist() == [1, 0, 0]
    assert table["status"].tolist() == ["finished"] * 3


@pytest.mark.parametrize("kv", ["reserve", "paged"])
@pytest.mark.parametrize("queue", ["central", "per_replica"])
def test_both_engines_agree_where_requests_are_interrupted_and_given_up(
    kv: str, queue: str
) -> None:
    """The interrupted wait again, so that their clients, limits and retries take part."""
    scenario = small(
        policy={"kind": "srpt"},
        engine={"mode": "continuous", "batch_size": 4, "kv": kv},
        cluster={"replicas": 2, "queue": queue},
        tenants=[
            {
                "name": "impatient",
                "share": 0.7,
                "patience": {"timeout_s": 2.0},
                "retries": {"attempts": 2},
                "limits": {"running": 6},
            },
            {"name": "patient", "share": 0.3},
        ],
    )
    phase = scenario.phases[0].model_dump() | {"arrivals": {"kind": "poisson", "rate_rps": 20}}
    table = assert_engines_agree(changed(scenario, phases=[phase])).requests
    interrupted = table[table["preemptions"] > 0]
    assert set(interrupted["status"]) >= {"finished", "timed_out"}
