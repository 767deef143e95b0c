"""What-if changes to a scenario: any field, the policy, the load."""

from __future__ import annotations

from typing import Any

from driftsched.scenario.io import parse_scenario
from driftsched.scenario.model import Scenario

__all__ = ["changed", "with_load", "with_policy"]


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
    """Copy of `scenario` with requests arriving `factor` times as fast; their number stays.

    Drift comes as much sooner, so that it meets the same requests; users of closed loops think
    that much faster.
    """
    if factor == 1:
        return scenario
    data = scenario.model_dump(by_alias=True)
    for dumped, phase in zip(data["phases"], scenario.phases, strict=True):
        if phase.arrivals is not None:
            dumped["arrivals"] = phase.arrivals.faster(factor).model_dump()
        for tenant, process in (phase.tenant_arrivals or {}).items():
            dumped["tenant_arrivals"][tenant] = process.faster(factor).model_dump()
        if phase.duration_s is not None:
            dumped["duration_s"] = phase.duration_s / factor
    data["drift"] = [event.faster(factor).model_dump() for event in scenario.drift]
    if data["trace"] is not None:
        data["trace"]["time_scale"] = data["trace"]["time_scale"] / factor
    return parse_scenario(data)
