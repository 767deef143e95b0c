"""Figures of a point: what its replications say together, each with its 95 % interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from driftsched.experiments.ensemble import run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.results import energy_summary, mean_interval
from driftsched.results.percentiles import LATENCIES

if TYPE_CHECKING:
    from driftsched.scenario import Scenario

__all__ = ["FIGURES", "Figure", "figure_of", "figures_of", "measure"]


class Figure(NamedTuple):
    """What people call a figure, with its unit; how it is shown; whether less is better."""

    label: str
    times: float = 1.0
    low_is_good: bool = True


def _latencies() -> dict[str, Figure]:
    said = {"e2el": "end-to-end latency (s)", "ttft": "time to first token (s)"}
    heads = {"p50": "P50", "p95": "P95", "p99": "P99", "mean": "Mean"}
    return {
        f"{figure}_{of}_ms": Figure(f"{head} {text}", 1e-3)
        for of, text in said.items()
        for figure, head in heads.items()
    }


FIGURES: dict[str, Figure] = _latencies() | {
    "slo_attainment": Figure("SLOs met (%)", 100, low_is_good=False),
    "weighted_slo_attainment": Figure("SLOs met by weight (%)", 100, low_is_good=False),
    "request_goodput": Figure("Goodput (requests/s)", low_is_good=False),
    "completed_share": Figure("Completed (%)", 100, low_is_good=False),
    "least_share": Figure("Least service over its due", low_is_good=False),
    "service_gap_tokens": Figure("Largest service gap (tokens / weight)"),
    "total_energy_j": Figure("Energy (kJ)", 1e-3),
    "gpu_hours": Figure("GPU time (h)"),
    "total_cost": Figure("Cost"),
    "cost_per_million_output_tokens": Figure("Cost per million output tokens"),
}
"""Figures of all requests; a tenant's P99 is ``p99_e2el_ms.NAME`` beside them.

least_share and service_gap_tokens are those of `Figures.competition`: of the tenant that gets the
least while it competes, and of the two tenants that are furthest apart.
"""
ENERGY = ("total_energy_j", "gpu_hours", "total_cost", "cost_per_million_output_tokens")
OF_TENANT = "p99_e2el_ms."


def figure_of(name: str) -> Figure:
    """What there is to say of a figure, a tenant's too."""
    if name.startswith(OF_TENANT):
        return Figure(f"P99 of {name.removeprefix(OF_TENANT)} (s)", 1e-3)
    return FIGURES[name]


def figures_of(scenario: Scenario) -> list[str]:
    """Names of all figures that a scenario has."""
    return [*FIGURES, *(f"{OF_TENANT}{tenant}" for tenant in scenario.tenant_names)]


def measure(scenario: Scenario, seeds: int) -> dict[str, float]:
    """Run a scenario under its own policy, in this thread alone, and give its figures.

    Percentiles and means of latencies are those of all requests of all seeds together, with
    Woodruff's and the ratio estimator's interval; all else is the mean over the seeds with
    Student's. One seed alone has no intervals.

    Returns
    -------
    dict
        Each of `FIGURES`, then each tenant's P99; of each also ``_low`` and ``_high``. NaN where it
        has no meaning; an infinite end is unbounded.

    Raises
    ------
    InputError
        When the scenario cannot run.
    """
    policy = scenario.policy.kind
    ensemble = run_ensemble(
        {policy: scenario}, seeds, measure=lambda _, result: energy_summary(result), threads=False
    )
    figures = Figures(ensemble)
    found: dict[str, tuple[float, float, float]] = {}
    for of in ("e2el", "ttft"):
        pool = figures.pool(policy, LATENCIES[of])
        for name, p in (("p50", 50.0), ("p95", 95.0), ("p99", 99.0), ("mean", None)):
            one = pool.estimate(p)
            found[f"{name}_{of}_ms"] = (1e3 * one.value, 1e3 * one.low, 1e3 * one.high)
    found |= _shares(figures)
    for name in ENERGY:
        each = [np.nan if run[name] is None else run[name] for run in ensemble.measured[policy]]
        found[name] = mean_interval(each)
    for number, tenant in enumerate(scenario.tenant_names):
        one = figures.pool(policy, "e2e_s", "tenant", number).percentile(99)
        found[f"{OF_TENANT}{tenant}"] = (1e3 * one.value, 1e3 * one.low, 1e3 * one.high)
    return {
        f"{name}{end}": float(value)
        for name, ends in found.items()
        for end, value in zip(("", "_low", "_high"), ends, strict=True)
    }


def _shares(figures: Figures) -> dict[str, tuple[float, float, float]]:
    goals = figures.goals().iloc[0]
    found = {
        name: (float(goals[name]), float(goals[f"{name}_low"]), float(goals[f"{name}_high"]))
        for name in ("slo_attainment", "weighted_slo_attainment", "request_goodput")
    }
    runs = figures.ensemble.runs[figures.ensemble.policies[0]]
    found["completed_share"] = mean_interval([run.has_status("finished").mean() for run in runs])
    table = figures.competition()
    shares = table[["normalised_share", "low", "high"]].to_numpy(np.float64)
    competes = ~np.isnan(shares[:, 0])
    least = shares[np.nanargmin(shares[:, 0])] if competes.any() else (np.nan,) * 3
    gap = table[["gap_tokens", "gap_low", "gap_high"]].to_numpy(np.float64)[0]
    for name, (value, low, high) in (("least_share", least), ("service_gap_tokens", gap)):
        found[name] = (float(value), float(low), float(high))
    return found
