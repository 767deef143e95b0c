"""What-if changes to a scenario: any field, the policy, load, bursts, drift, a tenant's share."""

from __future__ import annotations

from typing import Any

from driftsched.scenario.io import parse_scenario
from driftsched.scenario.model import Scenario
from driftsched.traffic.arrivals.base import Arrivals
from driftsched.traffic.arrivals.renewal import GammaGaps, Poisson, UniformGaps

__all__ = [
    "changed",
    "with_burstiness",
    "with_length_step",
    "with_load",
    "with_policy",
    "with_share",
]

STEP = "what if"


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

    Drift and scenario events come as much sooner, so that they meet the same requests; users of
    closed loops think that much faster. What takes its time whatever the traffic stays: how long a
    replica starts, an autoscaler's checks, how patient clients are.
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
    data["events"] = [event.faster(factor).model_dump() for event in scenario.events]
    if data["trace"] is not None:
        data["trace"]["time_scale"] = data["trace"]["time_scale"] / factor
    return parse_scenario(data)


def with_burstiness(scenario: Scenario, cv: float) -> Scenario:
    """Copy of `scenario` whose gaps between arrivals vary by `cv`, at unchanged rates.

    Uniform and Poisson gaps become gamma gaps; processes that have a coefficient of variation take
    this one; closed loops, on-off bursts and traces stay as they are.

    Parameters
    ----------
    cv : float
        Standard deviation over mean of the gaps; 1 is Poisson, more comes in bursts.
    """
    data = scenario.model_dump(by_alias=True)
    for dumped, phase in zip(data["phases"], scenario.phases, strict=True):
        if phase.arrivals is not None:
            dumped["arrivals"] = _bursty(phase.arrivals, cv)
        for tenant, process in (phase.tenant_arrivals or {}).items():
            dumped["tenant_arrivals"][tenant] = _bursty(process, cv)
    return parse_scenario(data)


def _bursty(process: Arrivals, cv: float) -> dict[str, Any]:
    if isinstance(process, UniformGaps | Poisson):
        return GammaGaps(rate_rps=process.rate, cv=cv).model_dump()
    data = process.model_dump()
    if "cv" in data:
        data["cv"] = cv
        if "shape" in data:  # a Weibull process is given by one of the two
            data["shape"] = None
    return data


def with_length_step(
    scenario: Scenario, factor: float, at_s: float | None = None, for_s: float | None = None
) -> Scenario:
    """Copy of `scenario` whose answers get `factor` times as long from a moment on.

    The step comes on top of the scenario's own drift; a trace, whose middle is not known before it
    is read, stays as it is.

    Parameters
    ----------
    at_s : float, optional
        Nominal seconds since the workload begins; None is once half of the answers were asked for.
    for_s : float, optional
        Seconds that it lasts; None is for good.
    """
    if factor == 1 or not scenario.phases:
        return scenario
    step = {"kind": "step", "factor": factor, "label": STEP, "at_s": at_s, "for_s": for_s}
    if at_s is None:
        step |= _middle(scenario)
    data = scenario.model_dump(by_alias=True)
    data["drift"] = [*data["drift"], step]
    return parse_scenario(data)


def _middle(scenario: Scenario) -> dict[str, Any]:
    """Where half of the requests have come: the phase, and seconds since it began."""
    left = sum(phase.expected_requests for phase in scenario.phases) / 2
    for phase in scenario.phases:
        if left <= phase.expected_requests:
            break
        left -= phase.expected_requests
    return {"phase": phase.name, "at_s": left / phase.rate_rps if phase.rate_rps > 0 else 0.0}


def with_share(scenario: Scenario, tenant: str, share: float) -> Scenario:
    """Copy of `scenario` where a tenant sends this share; the others keep their proportions.

    Parameters
    ----------
    tenant : str
        Name of one; with one tenant alone nothing changes.
    share : float
        0 to 1, of the requests of all phases that have no shares of their own.
    """
    rest = sum(other.share for other in scenario.tenants if other.name != tenant)
    others = len(scenario.tenants) - 1
    if not others:
        return scenario
    tenants = []
    for one in scenario.tenants:
        own = one.share / rest if rest > 0 else 1 / others
        new = share if one.name == tenant else (1 - share) * own
        tenants.append(one.model_dump() | {"share": round(new, 4)})
    return changed(scenario, tenants=tenants)
