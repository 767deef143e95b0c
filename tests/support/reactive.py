"""Generated scenarios whose clients react: closed loops, patience, retries."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from driftsched.scenario import Scenario, parse_scenario
from tests.support.scenarios import scenarios

SHORT = (
    st.fixed_dictionaries({"kind": st.just("exponential"), "mean_s": st.floats(0.05, 3)}),
    st.fixed_dictionaries({"kind": st.just("constant"), "seconds": st.sampled_from([0.013, 0.7])}),
)
OPEN = {"kind": "poisson", "rate_rps": 4.0}
TIMEOUT = st.none() | st.floats(0.02, 4)


def loops() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"kind": st.just("closed_loop"), "users": st.integers(1, 9), "think": st.one_of(*SHORT)}
    )


@st.composite
def phases(draw: st.DrawFn, phase: dict[str, Any], tenants: list[str]) -> dict[str, Any]:
    """Make a phase closed, or partly so."""
    kind = draw(st.sampled_from(["open", "counted", "timed", "mixed"]))
    if kind == "open":
        return phase
    phase["arrivals"] = draw(loops())
    if kind == "counted":
        return phase
    phase |= {"requests": None, "duration_s": draw(st.floats(0.1, 6))}
    if kind == "mixed" and len(tenants) > 1:
        phase["tenant_arrivals"] = {tenants[0]: OPEN}
    return phase


@st.composite
def patience(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "first_token_timeout_s": draw(TIMEOUT),
        "timeout_s": draw(TIMEOUT),
        "abandonment": draw(st.none() | st.one_of(SHORT[0])),
    }


@st.composite
def with_clients(draw: st.DrawFn) -> Scenario:
    """As `scenarios`; in half of them clients react: who gives up, tries again, asks in loops."""
    drawn = draw(scenarios())
    if draw(st.booleans()):
        return drawn
    data = drawn.model_dump(mode="json", by_alias=True)
    for tenant in data["tenants"]:
        if draw(st.integers(0, 3)):
            tenant["patience"] = draw(patience())
        if draw(st.booleans()):
            tenant["retries"] = draw(retries())
    names = [tenant["name"] for tenant in data["tenants"]]
    if draw(st.booleans()):
        data["phases"] = [draw(phases(phase, names)) for phase in data["phases"]]
    return parse_scenario(data)


@st.composite
def retries(draw: st.DrawFn) -> dict[str, Any]:
    ends = ("rejected", "failed", "timed_out", "cancelled")
    return {
        "attempts": draw(st.integers(1, 3)),
        "backoff_s": draw(st.sampled_from([0.0, 0.05, 1.0])),
        "jitter": draw(st.sampled_from([0.0, 0.5])),
        "after": draw(st.lists(st.sampled_from(ends), min_size=1, unique=True)),
    }


@st.composite
def reactive(draw: st.DrawFn) -> Scenario:
    """As `scenarios`, with clients that react in some way."""
    drawn = draw(scenarios())
    data = drawn.model_dump(mode="json", by_alias=True)
    replicas = len(drawn.cluster.machines)
    some = st.lists(st.one_of(events(replicas), scalings()), min_size=1, max_size=4)
    names = [tenant["name"] for tenant in data["tenants"]]
    data["phases"] = [draw(phases(phase, names)) for phase in data["phases"]]
    for tenant in data["tenants"]:
        if draw(st.integers(0, 3)):
            tenant["patience"] = draw(patience())
        if draw(st.booleans()):
            tenant["retries"] = draw(retries())
    if draw(st.booleans()):
        data["events"] = draw(some) + draw(st.lists(autoscalers(), max_size=1))
    return parse_scenario(data)


@st.composite
def events(draw: st.DrawFn, replicas: int) -> dict[str, Any]:
    """An outage, a slow-down or a drain of one replica."""
    from_s = draw(st.floats(0.001, 5))
    event: dict[str, Any] = {
        "kind": draw(st.sampled_from(["outage", "slow_down", "drain"])),
        "replica": draw(st.integers(0, replicas - 1)),
        "from_s": from_s,
        "to_s": draw(st.none() | st.floats(0.01, 5).map(lambda lasting: from_s + lasting)),
    }
    if event["kind"] == "outage":
        event["requests"] = draw(st.sampled_from(["requeue", "fail"]))
    if event["kind"] == "slow_down":
        event["factor"] = draw(st.floats(0.5, 8))
    return event


def scalings() -> st.SearchStrategy[dict[str, Any]]:
    """Replicas that come, or leave, at a time."""
    more: dict[str, st.SearchStrategy[Any]] = {
        "at_s": st.floats(0.001, 8),
        "replicas": st.integers(1, 2),
    }
    start_up_s = st.sampled_from([0.0, 0.02, 1.5])
    out = more | {"kind": st.just("scale_out"), "start_up_s": start_up_s}
    return st.one_of(
        st.fixed_dictionaries(out), st.fixed_dictionaries(more | {"kind": st.just("scale_in")})
    )


@st.composite
def autoscalers(draw: st.DrawFn) -> dict[str, Any]:
    """One that has a reason to act within the few seconds that such a run lasts."""
    remove_below = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    least = draw(st.integers(1, 2))
    return {
        "kind": "autoscale",
        "add_above": remove_below + draw(st.sampled_from([0.0, 0.5, 4.0])),
        "remove_below": remove_below,
        "min_replicas": least,
        "max_replicas": least + draw(st.integers(0, 3)),
        "every_s": draw(st.sampled_from([0.1, 0.3, 2.0])),
        "start_up_s": draw(st.sampled_from([0.0, 0.15, 1.0])),
        "cool_down_s": draw(st.sampled_from([0.0, 0.5, 3.0])),
    }
