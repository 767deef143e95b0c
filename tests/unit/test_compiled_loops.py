"""Closed loops in the compiled engine: users who ask, wait for the answer, think, and ask again."""

from __future__ import annotations

from typing import Any

import pytest

from driftsched.scenario import Scenario
from driftsched.simulation import simulate
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import POLICIES, small

LOOP = {"kind": "closed_loop", "users": 9, "think": {"kind": "exponential", "mean_s": 0.4}}
PHASE = {"name": "loop", "arrivals": LOOP, "mix": {"short_qa": 1}}
COUNTED = PHASE | {"requests": 60}
TIMED = PHASE | {"name": "timed", "duration_s": 9.0}
OPEN = {"kind": "poisson", "rate_rps": 4.0}
AFTER = {"name": "after", "requests": 30, "arrivals": OPEN, "mix": {"short_qa": 1}}


def loops(*phases: dict[str, Any], mode: str = "continuous", **changes: Any) -> Scenario:
    return small(phases=list(phases), engine={"mode": mode, "batch_size": 4}, **changes)


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("policy", POLICIES)
def test_users_ask_at_the_same_times(policy: str, mode: str) -> None:
    """Otherwise a closed system would have another throughput under each engine."""
    scenario = loops(COUNTED, TIMED, AFTER, mode=mode, policy={"kind": policy})
    table = assert_engines_agree(scenario).requests
    assert (table["user"] >= 0).sum() > 60
    assert table["phase"].nunique() == 3


def test_a_phase_that_counts_ends_with_the_arrival_of_its_last_request() -> None:
    """Otherwise the next one would wait for a drain, or begin while users still come."""
    table = assert_engines_agree(loops(COUNTED | {"pause_s": 0.2}, AFTER)).requests
    counted, after = table[table["phase"] == "loop"], table[table["phase"] == "after"]
    assert len(counted) == 60
    assert counted["arrival_s"].max() + 0.2 < after["arrival_s"].min()
    assert counted["finish_s"].max() > counted["arrival_s"].max() + 0.2


def test_a_phase_in_which_nobody_came_drains_all_the_same() -> None:
    """Otherwise the phase after it would begin while those before it still run."""
    pensive = LOOP | {"think": {"kind": "constant", "seconds": 3.0}}
    nobody = TIMED | {"name": "nobody", "duration_s": 0.1, "arrivals": pensive, "drain": True}
    table = assert_engines_agree(loops(COUNTED, nobody, AFTER)).requests
    counted, after = table[table["phase"] == "loop"], table[table["phase"] == "after"]
    assert len(counted) + len(after) == len(table)
    assert after["arrival_s"].min() > counted["finish_s"].max()


def test_open_arrivals_mix_with_users_in_one_phase() -> None:
    """Otherwise a row in a loop would be taken for the next open arrival."""
    mixed = TIMED | {"tenant_arrivals": {"a": OPEN}}
    table = assert_engines_agree(loops(mixed, mixed | {"name": "again", "drain": True})).requests
    assert {-1, 0} <= set(table["user"])
    assert (table.loc[table["user"] < 0, "tenant"] == "a").all()


def test_users_who_give_up_try_again_and_then_think() -> None:
    """Otherwise a user would ask twice at once, or never again."""
    patience = {"first_token_timeout_s": 0.3, "timeout_s": 0.9}
    retries = {"attempts": 2, "backoff_s": 0.1, "jitter": 0.5}
    tenants = [{"name": "a", "share": 1, "patience": patience, "retries": retries}]
    table = assert_engines_agree(loops(COUNTED, TIMED, tenants=tenants)).requests
    assert set(table["attempt"]) == {1, 2}
    for _, mine in table.groupby("user"):
        assert mine["arrival_s"].is_monotonic_increasing


def test_progress_of_a_loop_reaches_the_end() -> None:
    """Otherwise a job whose users stop at the end of a phase would never be seen to end."""
    shares: list[float] = []
    simulate(loops(TIMED), progress=shares.append, engine="compiled")
    assert shares == sorted(shares)
    assert shares[-1] == 1
