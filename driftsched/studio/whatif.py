"""What-if changes to a scenario: load and policy. No streamlit here."""

from __future__ import annotations

from typing import Any

from driftsched.scenario import Phase, Scenario, parse_scenario
from driftsched.scheduling.policies import POLICIES

__all__ = ["changed", "offered_rps", "policy_names", "with_load", "with_policy"]

_GAPS = ("low_s", "high_s")
_RATES = ("rate_rps",)


def policy_names() -> list[str]:
    """Names of all registered policies, in order of registration."""
    return list(POLICIES)


def changed(scenario: Scenario, **fields: Any) -> Scenario:
    """Copy of `scenario` with fields replaced and validated again.

    A double underscore steps into a part: ``changed(s, engine__mode="continuous")``.

    Raises
    ------
    ScenarioError
        Where a value breaks a rule.
    """
    data = scenario.model_dump(by_alias=True)
    for name, value in fields.items():
        *parents, last = name.split("__")
        node = data
        for parent in parents:
            node = node[parent]
        node[last] = value
    return parse_scenario(data)


def with_policy(scenario: Scenario, policy: str) -> Scenario:
    """Copy of `scenario` under another policy; the same policy keeps its parameters."""
    if scenario.policy.kind == policy:
        return scenario
    return changed(scenario, policy={"kind": policy})


def with_load(scenario: Scenario, factor: float) -> Scenario:
    """Copy of `scenario` with requests arriving `factor` times as fast; their number stays."""
    if factor == 1:
        return scenario
    data = scenario.model_dump(by_alias=True)
    for phase in data["phases"]:
        arrivals = phase["arrivals"]
        for name in _GAPS:
            if arrivals.get(name) is not None:
                arrivals[name] = arrivals[name] / factor
        for name in _RATES:
            if arrivals.get(name) is not None:
                arrivals[name] = arrivals[name] * factor
        if phase["duration_s"] is not None:
            phase["duration_s"] = phase["duration_s"] / factor
    if data["trace"] is not None:
        data["trace"]["time_scale"] = data["trace"]["time_scale"] / factor
    return parse_scenario(data)


def offered_rps(scenario: Scenario) -> float | None:
    """Expected arrivals a second in the busiest phase; None for a trace."""
    return max(map(_rate, scenario.phases), default=None)


def _rate(phase: Phase) -> float:
    mean = float(phase.arrivals.mean_gap_s)
    return 1 / mean if mean > 0 else float("inf")
