"""Findings about limits, goals, memory and long prompts, held against runs."""

from __future__ import annotations

from typing import Any

import pytest

from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.serving.memory import memory_parts
from driftsched.simulation import simulate
from driftsched.workload import (
    capacity,
    drifted_lengths,
    findings,
    generate,
    load_over_time,
    offered_load,
)


def said(scenario: Scenario, about: str) -> list[tuple[str, str]]:
    return [(f.level, f.text) for f in findings(scenario) if f.about == about]


def with_tenant(scenario: Scenario, **fields: Any) -> Scenario:
    """The scenario with fields of its first tenant replaced."""
    first, *others = scenario.model_dump(by_alias=True)["tenants"]
    return changed(scenario, tenants=[first | fields, *others])


def test_share_that_a_limit_turns_away_is_the_runs_own() -> None:
    """A limit at the mean rate already turns much away, which the mean alone would not tell."""
    name = load_scenario("azure-conversation").tenants[0].name
    scenario = with_tenant(load_scenario("azure-conversation"), limits={"rate_rps": 1.1})
    requests = simulate(scenario).requests
    mine = requests[requests["tenant"] == name]
    share = 100 * float((mine["status"] == "rejected").mean())
    assert share > 20
    ((level, text),) = said(scenario, name)
    assert level == "warning"
    assert f"about {share:.2g} % are rejected" in text


@pytest.mark.parametrize("name", ["paper", "flash-crowd", "prefix-caching", "kv-pressure"])
def test_both_estimates_of_the_load_agree(name: str) -> None:
    """A phase has one ρ, whether it is drawn for itself or cut out of the traffic."""
    scenario = load_scenario(name)
    over_time = {stretch.phase: stretch.rho for stretch in load_over_time(scenario)}
    for phase in offered_load(scenario).phases:
        assert over_time[phase.phase] == pytest.approx(phase.rho, rel=0.06)


def test_prefix_hits_lower_the_load_as_a_run_shows() -> None:
    """Without hits the preset is beyond its capacity: the wait at its end tells by how much."""
    cached = load_scenario("prefix-caching")
    cold = with_tenant(cached, prefix_hit_rate=0)
    assert offered_load(cached).peak.rho < 0.9
    (over,) = load_over_time(cold)
    assert over.rho > 1.1
    requests = simulate(cold).requests
    last = requests[requests["arrival_s"] > 230]
    assert float(last["ttft_s"].median()) == pytest.approx(over.wait_s, rel=0.35)


def test_blocks_hold_more_requests_than_reservations() -> None:
    """Paged memory holds what requests have so far, so more of them; a run shows how many."""
    paged = load_scenario("kv-pressure")
    held = changed(paged, engine__kv="reserve")
    able = capacity(paged, generate(paged))
    assert able.batch > 2 * capacity(held, generate(held)).batch
    ((level, text),) = said(held, "kv")
    assert level == "warning"
    assert text.endswith("a batch of 64 is never reached.")
    assert "requests are preempted" in said(paged, "kv")[0][1]
    gpus = simulate(paged).gpus
    full = gpus[gpus["kv_used_tokens"] > 0.95 * able.kv_tokens]
    assert float(full["running"].mean()) == pytest.approx(able.batch, rel=0.15)


@pytest.mark.parametrize("name", ["paper", "tensor-parallel", "kv-pressure"])
def test_parts_of_the_memory_add_up_to_the_gpus(name: str) -> None:
    """The bar is the whole GPU, and its KV cache the one that requests are held in."""
    cluster = load_scenario(name).cluster
    parts = memory_parts(cluster)
    assert sum(parts.values()) == pytest.approx(cluster.find_gpu().memory_gb)
    used = sum(parts.values()) - parts["Left free"]
    full = cluster.memory_utilisation * cluster.find_gpu().memory_gb
    assert full - 0.001 < used <= full


def test_lengths_after_drift_are_those_of_later_requests() -> None:
    """Requests before the new model would hide how much longer its answers are."""
    scenario = load_scenario("new-model")
    workload = generate(scenario)
    later = drifted_lengths(scenario, workload)
    assert len(later) == (workload.arrival_s >= 120).sum()
    assert drifted_lengths(changed(scenario, drift=())).empty


def test_goal_that_no_idle_server_meets_is_named() -> None:
    """Reading all weights takes longer than a millisecond, whatever the policy."""
    base = load_scenario("azure-conversation")
    name = base.tenants[0].name
    texts = said(with_tenant(base, slo={"tpot_s": 0.001, "ttft_s": 0.001}), name)
    assert [level for level, _ in texts] == ["warning", "warning"]
    assert f"{name}'s goal of 1 ms a token cannot be met" in texts[0][1]
    assert said(with_tenant(base, slo={"tpot_s": 10.0, "ttft_s": 60.0}), name) == []


def test_long_prompts_stand_in_the_way_unless_chunked() -> None:
    """The sentence must turn when the setting it advises is made."""
    chunked = load_scenario("chunked-prefill")
    whole = changed(chunked, engine__max_num_batched_tokens=None)
    assert [level for level, _ in said(chunked, "prefill")] == ["ok"]
    assert [level for level, _ in said(whole, "prefill")] == ["info"]
    assert "stand still" in said(whole, "prefill")[0][1]


def test_outage_raises_the_load_of_those_that_are_left() -> None:
    """One of three replicas away: the other two must carry half as much again."""
    scenario = load_scenario("replica-outage")
    calm = load_over_time(scenario)[0].rho
    first, second = said(scenario, "events")
    assert first[0] == "warning"
    assert first[1].endswith(f"ρ rises from {calm:.2g} to {1.5 * calm:.2g}.")
    assert second[1].endswith(f"to {calm / (1 - 1 / 6):.2g}.")


def test_replicas_that_are_added_take_their_share_of_the_load() -> None:
    """Three more beside one must leave a quarter; an event of one of them must not be an error."""
    scaled = load_scenario("autoscale")
    peak = max(stretch.rho for stretch in load_over_time(scaled))
    ((level, text),) = said(scaled, "events")
    assert level == "info"
    assert text.endswith(
        f"with 3 more from 45 s on, ρ falls from at most {peak:.2g} to {peak / 4:.2g}."
    )
    (event,) = scaled.model_dump(by_alias=True)["events"]
    later = {"kind": "drain", "replica": 2, "from_s": 200}
    assert len(said(changed(scaled, events=[event, later]), "events")) == 1
