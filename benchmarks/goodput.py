"""Goodput against the paper's five policies, on every preset whose tenants have objectives.

    python benchmarks/goodput.py [--json] [--seeds 20] [--first 1]

A line a preset: the best of the five by its mean, the share of objectives kept by weight under it
and under Goodput in %, their paired difference in points with its 95 % interval (Student's), the
P99 end to end of the first tenant over the last's, all seeds together, and the longest wait over
FIFO's, mean over mean. Then what docs/lab.md sets as targets.
"""

from __future__ import annotations

import sys
from typing import Any

import figures
import numpy as np

from driftsched.core.errors import InputError
from driftsched.experiments.ensemble import run_ensemble
from driftsched.results import mean_interval
from driftsched.results.outcomes import RunArrays
from driftsched.results.slo import COUNTED, slo_counts, waited_s
from driftsched.scenario import Scenario, load_scenario, with_policy

FIVE = ("fifo", "priority", "weighted", "sjf", "aging")
ASKED, MET = COUNTED.index("weighted_asked"), COUNTED.index("weighted_met")
LEAST_POINTS, MOST_P99, MOST_WAIT = -2.0, 1.05, 4.5


def kept(scenario: Scenario, run: RunArrays) -> float:
    """Objectives kept by weight, %."""
    counts = slo_counts(scenario, run).sum(axis=1)
    return float(100 * counts[MET] / counts[ASKED])


def longest_wait_s(run: RunArrays) -> float:
    """The longest of all waits for the first dispatch."""
    times = run.outcomes.arrival_s, run.outcomes.dispatch_s, run.outcomes.finish_s
    return float(np.nanmax(waited_s(*times)))


def p99_s(runs: list[RunArrays], tenant: int) -> float:
    """The P99 end to end of a tenant's requests of all runs."""
    mine = [run.seconds("e2e_s")[run.workload.tenant == tenant] for run in runs]
    return float(np.nanpercentile(np.concatenate(mine), 99))


def goal_bearing() -> dict[str, Scenario]:
    """The presets in which somebody has an objective."""
    names = sorted(path.stem for path in (figures.ROOT / "presets").glob("*.yaml"))
    found = {name: load_scenario(name) for name in names}
    limits = ("ttft_s", "tpot_s", "e2e_s")
    return {
        name: scenario
        for name, scenario in found.items()
        if any(getattr(t.slo, limit) is not None for t in scenario.tenants for limit in limits)
    }


def compared(scenario: Scenario, seeds: int) -> dict[str, Any]:
    """What Goodput and the five make of one preset."""
    variants = {name: with_policy(scenario, name) for name in (*FIVE, "goodput")}
    runs = run_ensemble(variants, seeds).runs
    share = {name: np.array([kept(scenario, run) for run in each]) for name, each in runs.items()}
    best = max(FIVE, key=lambda name: share[name].mean())
    last = len(scenario.tenants) - 1
    waits = {name: np.mean([longest_wait_s(run) for run in each]) for name, each in runs.items()}
    return {
        "best": best,
        "share": {name: float(values.mean()) for name, values in share.items()},
        "points": mean_interval(share["goodput"] - share[best]),
        "p99": p99_s(runs["goodput"], 0) / p99_s(runs["goodput"], last) if last else 0.0,
        "wait": float(waits["goodput"] / waits["fifo"]) if waits["fifo"] else 0.0,
        "fifo_wait_s": float(waits["fifo"]),
    }


def measure(seeds: int, first: int) -> dict[str, Any]:
    """Compare on every preset, then over all of them."""
    found: dict[str, Any] = {}
    for name, scenario in goal_bearing().items():
        try:
            found[name] = compared(scenario.model_copy(update={"seed": first}), seeds)
        except InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
    lines = {name: shown(one) for name, one in found.items()}
    ours = np.array([one["share"]["goodput"] for one in found.values()])
    bests = np.array([one["share"][one["best"]] for one in found.values()])
    single = {policy: np.mean([one["share"][policy] for one in found.values()]) for policy in FIVE}
    alone = max(FIVE, key=lambda policy: single[policy])
    return lines | {
        "presets": str(len(found)),
        "over_each_best_pct": float(100 * (ours / bests - 1).mean()),
        "over_means_of_bests_pct": float(100 * (ours.mean() / bests.mean() - 1)),
        f"over_{alone}_pct": float(100 * (ours.mean() / single[alone] - 1)),
        "below": ", ".join(n for n, one in found.items() if one["points"][0] < LEAST_POINTS),
        "p99": ", ".join(n for n, one in found.items() if one["p99"] > MOST_P99),
        "wait": ", ".join(n for n, one in found.items() if one["wait"] > MOST_WAIT),
    }


def shown(one: dict[str, Any]) -> str:
    """A preset's line."""
    points, low, high = one["points"]
    best = one["best"]
    return (
        f"{best:>9} {one['share'][best]:5.1f} goodput {one['share']['goodput']:5.1f} "
        f"{points:+5.1f} [{low:+5.1f}, {high:+5.1f}]  P99 {one['p99']:4.2f}  "
        f"wait {one['wait']:5.2f} x {one['fifo_wait_s']:5.1f} s"
    )


if __name__ == "__main__":
    sys.exit(figures.measured(measure, {}, seeds=20, first=1))
