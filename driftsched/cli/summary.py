"""Runs and comparisons as plain data for ``--json``: the metrics' names are those of the tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from driftsched.experiments import Comparison
from driftsched.experiments.compare import LATENCY
from driftsched.results.estimation_error import NO_ERROR
from driftsched.scenario import Scenario

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


def latency_heads(scenario: Scenario) -> dict[str, str]:
    """Latencies shown to people: end to end by percentile, and the mean to the first token."""
    levels = sorted({50.0, *scenario.metrics.percentiles})
    heads = {f"p{level:.10g}_e2el_ms": f"P{level:.10g} E2E" for level in levels}
    return heads | {"mean_ttft_ms": "mean TTFT"}


def policy_summary(comparison: Comparison, policy: str) -> dict[str, Any]:
    """Every metric of a policy over all seeds, then by tenant and category.

    Percentiles and means of latencies are those of all requests of all seeds together, other
    metrics means over the seeds. Where there are several seeds, ``interval`` has the ends of each
    figure's 95 % interval and ``per_seed`` the values.
    """
    table, fairness = comparison.metrics, comparison.fairness
    mine = table[table["policy"] == policy]
    overall = mine[mine["scope"] == "overall"].merge(
        fairness[fairness["policy"] == policy], on=list(KEYS)
    )
    summary = _figures(comparison, policy, overall)
    for scope in ("tenant", "category"):
        rows = mine[mine["scope"] == scope]
        summary[f"by_{scope}"] = {
            str(name): _figures(comparison, policy, group, scope, str(name))
            for name, group in rows.groupby("name", sort=False)
        }
    if len(overall) > 1:
        columns = [name for name in overall.columns if name not in KEYS]
        summary["per_seed"] = {n: overall[n].to_numpy(np.float64).tolist() for n in columns}
    return summary


def _figures(
    comparison: Comparison,
    policy: str,
    rows: pd.DataFrame,
    scope: str = "overall",
    name: str = "all",
) -> dict[str, Any]:
    """Each metric over all seeds, and with several seeds the ends of its interval."""
    figures = _means(rows)
    if len(rows) < 2:
        return figures
    found = {
        metric: comparison.interval(policy, metric, scope=scope, name=name) for metric in figures
    }
    figures |= {metric: found[metric][0] for metric in figures if LATENCY.fullmatch(metric)}
    return figures | {"interval": {metric: list(ends[1:]) for metric, ends in found.items()}}


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

    A compensator's ``mae_reduction`` is 1 − its mean error / that of "none", its interval paired by
    seed; the two at the top are those of "ema". Where there are several seeds, ``interval`` has the
    ends of each error's 95 % interval.
    """
    summary: dict[str, Any] = {}
    names = [str(name) for name in comparison.estimation["compensator"].unique()]
    for name in names:
        errors: dict[str, Any] = {
            m: float(comparison.errors(m, name).mean()) for m in NO_ERROR if m != "n"
        }
        summary[name] = errors
        if len(comparison.seeds) > 1:
            errors["interval"] = {m: list(comparison.error_interval(m, name)[1:]) for m in errors}
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
