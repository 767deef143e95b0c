"""Clients who give up in the compiled engine, wherever their requests are by then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from driftsched.scenario import Scenario
from driftsched.simulation import simulate
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import POLICIES, small

HURRIED = {"first_token_timeout_s": 0.8, "timeout_s": 1.4}
FICKLE = {"abandonment": {"kind": "exponential", "mean_s": 0.8}, "timeout_s": 1.8}
CONTINUOUS: dict[str, Any] = {"mode": "continuous", "batch_size": 4}
NARROW = {"memory_utilisation": 0.2015}
"""An L4 with room for some 800 tokens."""


def impatient(limits: dict[str, int] | None = None, **changes: Any) -> Scenario:
    """More than can be served, one tenant in a hurry and one that hangs up at its own time."""
    tenants = [
        {"name": "a", "tier": "premium", "weight": 2, "share": 0.5, "patience": HURRIED},
        {"name": "b", "tier": "batch", "weight": 1, "share": 0.5, "patience": FICKLE},
    ]
    limited = [tenant | {"limits": limits or {}} for tenant in tenants]
    return small(tenants=limited, **changes)


def flood(rate_rps: float = 20.0, **changes: Any) -> list[dict[str, Any]]:
    arrivals = {"kind": "poisson", "rate_rps": rate_rps}
    phase = {"name": "p", "requests": 200, "arrivals": arrivals, "mix": {"short_qa": 1}}
    return [phase | changes]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", ["gang", "continuous"])
def test_clients_leave_the_queue_and_the_engine_at_the_same_time(mode: str, policy: str) -> None:
    """Otherwise one engine would keep somebody's place, or serve who has gone."""
    engine = {"mode": mode, "batch_size": 4}
    table = assert_engines_agree(
        impatient(phases=flood(), engine=engine, policy={"kind": policy})
    ).requests
    gone = table[table["status"] != "finished"]
    assert set(gone["status"]) == {"timed_out", "cancelled"}
    assert set(gone["reason"]) == {
        "no first token within 0.8 s",
        "not finished within 1.4 s",
        "not finished within 1.8 s",
        "hung up before the first token",
    }
    assert gone["dispatch_s"].isna().any()
    assert gone["first_token_s"].notna().any()


def test_a_gang_that_is_forming_loses_a_member_or_all() -> None:
    """Otherwise the wait for more would go on for those who are not there."""
    engine = {"mode": "gang", "batch_size": 4, "batch_wait_s": 1.0}
    table = assert_engines_agree(impatient(phases=flood(1.5), engine=engine)).requests
    forming = table["dispatch_s"].notna() & table["first_token_s"].isna()
    assert forming.any()
    assert (table["status"] == "finished").any()


def test_one_who_was_chosen_leaves_while_the_cache_is_full() -> None:
    """Otherwise the head would wait for somebody who is no more."""
    for mode in ("gang", "continuous"):
        engine = {"mode": mode, "batch_size": 12}
        table = assert_engines_agree(
            impatient(phases=flood(), engine=engine, cluster=NARROW)
        ).requests
        assert (table["status"] == "timed_out").any()


def test_a_preempted_one_leaves_before_it_runs_again() -> None:
    """Otherwise its blocks would be given to nobody."""
    engine = CONTINUOUS | {"batch_size": 12, "kv": "paged", "block_tokens": 3}
    scenario = impatient(phases=flood(20), engine=engine, cluster=NARROW, lengths="capped")
    table = assert_engines_agree(scenario).requests
    gone = table[table["status"] != "finished"]
    assert (gone["preemptions"] > 0).any()


def test_one_leaves_in_the_middle_of_its_prompt() -> None:
    """Otherwise what was computed of it would keep its cache."""
    category = {
        "name": "short_qa",
        "base_tokens": 40,
        "max_output_tokens": 20,
        "prompt_tokens": {"kind": "constant", "tokens": 900},
        "output_tokens": {"kind": "constant", "tokens": 20},
    }
    for kv in ("reserve", "paged"):
        engine = CONTINUOUS | {"max_num_batched_tokens": 16, "kv": kv}
        table = assert_engines_agree(
            impatient(phases=flood(2), engine=engine, categories=[category])
        ).requests
        gone = table[table["dispatch_s"].notna() & table["first_token_s"].isna()]
        assert len(gone) > 0


@pytest.mark.parametrize("queue", ["central", "per_replica"])
@pytest.mark.parametrize("policy", ["sjf", "weighted"])
def test_limits_count_nobody_who_has_left(policy: str, queue: str) -> None:
    """Otherwise a tenant's places would fill up with people who are gone."""
    scenario = impatient(
        {"running": 1, "waiting": 5},
        phases=flood(),
        engine=CONTINUOUS,
        policy={"kind": policy},
        cluster={"replicas": 3, "queue": queue},
    )
    table = assert_engines_agree(scenario).requests
    assert {"rejected", "timed_out", "cancelled", "finished"} == set(table["status"])


def test_a_hundred_tenants_take_turns_and_leave() -> None:
    """Otherwise the turn of a tenant beyond the first word of bits would be lost."""
    tenants = [
        {"name": f"t{n}", "share": 0.01, "weight": 1 + n % 5, "patience": (HURRIED, {})[n % 2]}
        for n in range(100)
    ]
    phases = flood(requests=600)
    scenario = small(tenants=tenants, phases=phases, engine=CONTINUOUS, policy={"kind": "weighted"})
    table = assert_engines_agree(scenario).requests
    assert set(table["status"]) == {"finished", "timed_out"}


def test_an_overdue_deadline_does_not_hold_up_the_next_phase() -> None:
    """Otherwise a drain would last as long as the patience of those long served."""
    patience = {"timeout_s": 10_000.0}
    tenants = [{"name": "a", "share": 1, "patience": patience}]
    first = flood(2, requests=20)[0] | {"drain": True}
    phases = [first, first | {"name": "q"}]
    table = assert_engines_agree(small(tenants=tenants, phases=phases)).requests
    assert table["finish_s"].max() < 1000


def test_a_phase_that_begins_interrupts_nobody() -> None:
    """Otherwise its start would be a change of the batch in one engine and none in the other."""
    category = {
        "name": "short_qa",
        "base_tokens": 40,
        "max_output_tokens": 300,
        "output_tokens": {"kind": "constant", "tokens": 300},
    }
    first, second = flood(1, requests=1)[0], flood(0.05, requests=1)[0]
    phases = [first | {"pause_s": 0.5}, second | {"name": "q"}]
    tenants = [{"name": "a", "share": 1, "patience": {"timeout_s": 100.0}}]
    assert_engines_agree(
        small(tenants=tenants, phases=phases, engine=CONTINUOUS, categories=[category])
    )


def test_users_who_never_give_up_cost_nothing_and_change_nothing() -> None:
    """A timeout that nobody reaches must leave the run as it is without one."""
    tenants = [{"name": "a", "share": 1, "patience": {"timeout_s": 1e6}}]
    patient = small(tenants=[{"name": "a", "share": 1}])
    bounded, free = (simulate(one, engine="compiled") for one in (small(tenants=tenants), patient))
    assert np.array_equal(bounded.requests["finish_s"], free.requests["finish_s"])
