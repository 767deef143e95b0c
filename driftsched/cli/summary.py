"""Runs and comparisons as plain data for ``--json``: the metrics' names are those of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftsched.results import (
    jain_index,
    mean_interval,
    misclassified_share,
    service_gaps,
    weighted_service,
)
from driftsched.results.estimation_error import NO_ERROR

if TYPE_CHECKING:
    from driftsched.experiments import Comparison
    from driftsched.results import RunResult
    from driftsched.scenario import Scenario

__all__ = ["about", "estimation_summary", "fairness", "policy_summary", "scope_summary"]

KEYS = ("policy", "seed", "scope", "name")


def about(scenario: Scenario) -> dict[str, Any]:
    """Name and settings of a scenario that decide how to read its results."""
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "engine_mode": scenario.engine.mode,
        "unit": scenario.estimator.unit,
        "lengths": scenario.lengths,
    }


def policy_summary(comparison: Comparison, policy: str) -> dict[str, Any]:
    """Every metric of a policy: means over the seeds, then by tenant and category.

    Jain's index, the service gap and the misclassified share are those of the first seed.
    Where there are several seeds, ``interval`` has the ends of each mean's 95 % interval and
    ``per_seed`` the values.
    """
    table = comparison.metrics
    mine = table[table["policy"] == policy]
    overall = mine[mine["scope"] == "overall"]
    summary = _means(overall) | fairness(comparison.first[policy])
    summary["by_tenant"] = scope_summary(mine, "tenant")
    summary["by_category"] = scope_summary(mine, "category")
    if len(overall) > 1:
        columns = [name for name in overall.columns if name not in KEYS]
        values = {name: overall[name].to_numpy(np.float64) for name in columns}
        summary["interval"] = {name: list(mean_interval(v)[1:]) for name, v in values.items()}
        summary["per_seed"] = {name: v.tolist() for name, v in values.items()}
    return summary


def fairness(result: RunResult) -> dict[str, float]:
    """Jain's index of weighted service, largest service gap, share of wrong size classes."""
    gaps = service_gaps(result)["gap_tokens"]
    return {
        "jain_index": jain_index(weighted_service(result)["normalised_service"]),
        "service_gap_tokens": float(gaps.max()) if len(gaps) else 0.0,
        "misclassified_share": misclassified_share(result.requests),
    }


def scope_summary(metrics: pd.DataFrame, scope: str) -> dict[str, dict[str, Any]]:
    """Name of a tenant or category → its metrics, means over the rows."""
    rows = metrics[metrics["scope"] == scope]
    return {str(name): _means(group) for name, group in rows.groupby("name", sort=False)}


def _means(rows: pd.DataFrame) -> dict[str, Any]:
    """Mean of each metric; a count that is whole stays a whole number."""
    means = {}
    for name in rows.columns:
        if name in KEYS:
            continue
        mean = float(rows[name].astype(np.float64).mean())
        whole = pd.api.types.is_integer_dtype(rows[name].dtype) and mean.is_integer()
        means[str(name)] = int(mean) if whole else mean
    return means


def estimation_summary(comparison: Comparison) -> dict[str, Any]:
    """Errors of the length estimates: each compensator's, means over policies and seeds.

    A compensator's ``mae_reduction`` is 1 − its mean error / that of "none"; the interval is that
    of the reductions of the single seeds. The two at the top are those of "ema".
    """
    summary: dict[str, Any] = {}
    names = [str(name) for name in comparison.estimation["compensator"].unique()]
    for name in names:
        errors: dict[str, Any] = {
            m: float(comparison.errors(m, name).mean()) for m in NO_ERROR if m != "n"
        }
        summary[name] = errors
        for measure in ("mae", "rmse"):
            change = comparison.error_change(measure, name)
            errors[f"{measure}_reduction"] = _reduction(summary, name, measure)
            errors[f"{measure}_reduction_interval"] = [0.0 - change.high, 0.0 - change.low]
    for measure in ("mae", "rmse"):
        for key in (f"{measure}_reduction", f"{measure}_reduction_interval"):
            summary[key] = summary["ema"][key]
    return summary


def _reduction(summary: dict[str, Any], name: str, measure: str) -> float:
    before = summary["none"][measure]
    return 1 - summary[name][measure] / before if before > 0 else float("nan")
