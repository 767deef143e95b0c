"""Who may join where KV cache is paged, and who gives way."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.scenario import Scenario, load_scenario, with_load
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

CALM = [name for name, kind in POLICIES.items() if not getattr(kind, "preempts", False)]
"""Policies that leave who runs alone."""


def crowded(policy: str, safety: float = 1.0, **engine: Any) -> Scenario:
    """793 tokens of KV cache, requests of about 75, a rush of them; answers as long as foretold."""
    base = small().model_dump(mode="json", by_alias=True, exclude_none=True)
    return small(
        tenants=[tenant | {"safety_factor": safety} for tenant in base["tenants"]],
        phases=[base["phases"][0] | {"arrivals": {"kind": "poisson", "rate_rps": 100}}],
        policy={"kind": policy},
        engine={"mode": "continuous", "kv": "paged"} | engine,
        cluster={"memory_utilisation": 0.2015},
        estimator={
            "unit": "tokens",
            "compensator": {"kind": "oracle"},
            "input_factor": {"cap": 1},
        },
    )


@settings(max_examples=40)
@given(
    policy=st.sampled_from(CALM),
    block=st.sampled_from([1, 7, 16, 64]),
    seed=st.integers(0, 10**6),
    safety=st.sampled_from([1.01, 1.5]),
)
def test_who_looks_ahead_with_known_lengths_never_preempts(
    policy: str, block: int, seed: int, safety: float
) -> None:
    """Past-Future's promise: the peak it admits to is the one that comes, or above it."""
    scenario = crowded(policy, safety, block_tokens=block, admit="past_future")
    table = simulate(scenario.model_copy(update={"seed": seed}), engine="simpy").requests
    assert (table["status"] == "finished").all()
    assert table["preemptions"].sum() == 0


def test_without_looking_ahead_they_do() -> None:
    """Else the property above would say nothing."""
    table = simulate(crowded("fifo", block_tokens=16)).requests
    assert table["preemptions"].sum() > 20


@settings(max_examples=40)
@given(
    policy=st.sampled_from(CALM),
    block=st.sampled_from([1, 16]),
    seed=st.integers(0, 10**6),
    admit=st.sampled_from(["first_fit", "past_future"]),
    compensator=st.sampled_from(["ema", "none"]),
)
def test_only_who_came_later_or_is_of_a_lower_tier_gives_way(
    policy: str, block: int, seed: int, admit: str, compensator: str
) -> None:
    """And never more often than others leave: the longest gave way again and again."""
    scenario = crowded(policy, block_tokens=block, preempt="lowest_rank", admit=admit)
    estimator = scenario.model_dump(by_alias=True)["estimator"] | {
        "compensator": {"kind": compensator}
    }
    scenario = Scenario.model_validate(
        scenario.model_dump(by_alias=True) | {"seed": seed, "estimator": estimator}
    )
    table = simulate(scenario, engine="simpy").requests
    rank = table["tenant"].map({"a": 1, "b": 3}).astype(int)
    place = pd.Series(list(zip(rank, table["arrival_s"], table["request_id"], strict=True)))
    assert table["preemptions"].iloc[place.argmin()] == 0
    for own in table.index[table["preemptions"] > 0]:
        beside = (table["dispatch_s"] < table["finish_s"][own]) & (
            table["finish_s"] > table["dispatch_s"][own]
        )
        assert (place[beside] < place[own]).any()
        ended = table["finish_s"].between(table["dispatch_s"][own], table["finish_s"][own])
        assert table["preemptions"][own] <= ended.sum()


@pytest.mark.parametrize("admit", ["first_fit", "past_future"])
@pytest.mark.parametrize("policy", POLICIES)
def test_both_engines_agree_on_who_joins_and_who_gives_way(policy: str, admit: str) -> None:
    """Two replicas that draw from one queue, chunks of prompts, and estimates that are off."""
    scenario = crowded(policy, 0.7, max_num_batched_tokens=64, preempt="lowest_rank", admit=admit)
    cluster = scenario.model_dump(by_alias=True, exclude_none=True)["cluster"] | {"replicas": 2}
    changed = scenario.model_dump(by_alias=True, exclude_none=True) | {"cluster": cluster}
    table = assert_engines_agree(Scenario.model_validate(changed)).requests
    assert (table["status"] == "finished").all()


@pytest.mark.parametrize("policy", CALM)
def test_nobody_is_begun_again_and_again(policy: str) -> None:
    """By length an answer gave way forty times, by tier a thousand, and began anew each time."""
    scenario = load_scenario("kv-unknown", [f"policy.kind={policy}", "engine.admit=first_fit"])
    assert simulate(with_load(scenario, 0.95)).requests["preemptions"].max() < 25
