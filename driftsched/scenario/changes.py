"""What-if changes to a scenario: any field, the policy, the load."""

from __future__ import annotations

from typing import Any

from driftsched.scenario.io import parse_scenario
from driftsched.scenario.model import Scenario

__all__ = ["changed", "with_load", "with_policy"]

_GAPS = ("low_s", "high_s")
_RATES = ("rate_rps",)


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
