"""The answer in a line of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from driftsched.results.metrics import percentile_columns
from driftsched.studio.words import duration, percent_change, policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Comparison
    from driftsched.results.tables import RunResult

__all__ = ["headline", "pair"]


def headline(comparison: Comparison) -> None:
    """Draw median and P99 of one policy beside another's, and what the correction is worth."""
    runs = comparison.first
    base, other = pair(runs)
    with st.container(horizontal=True, gap="small"):
        _latency(runs, base, other, 50, "Median")
        _latency(runs, base, other, 99, "P99")
        _error(comparison)
        _ends(runs)


def pair(runs: Mapping[str, RunResult]) -> tuple[str, str]:
    """Which two policies to set against each other: FIFO and SJF, if they are there.

    Returns
    -------
    tuple of str
        The one to compare with, and the other; the same twice where there is only one.
    """
    names = list(runs)
    base = "fifo" if "fifo" in names else names[0]
    others = [name for name in names if name != base]
    if "sjf" in others or not others:
        return base, "sjf" if others else base
    return base, min(others, key=lambda name: (_percentile(runs[name], 50), name))


def _percentile(run: RunResult, percentile: float) -> float:
    found = percentile_columns(run.requests["e2e_s"].to_numpy(), "e2el", [percentile])
    return found[f"p{percentile:.10g}_e2el_ms"] / 1e3


def _latency(
    runs: Mapping[str, RunResult],
    base: str,
    other: str,
    percentile: float,
    name: str,
) -> None:
    before, after = (_percentile(runs[policy], percentile) for policy in (base, other))
    many = base != other
    st.metric(
        f"{name} latency, {policy_label(other)}",
        duration(after),
        f"{percent_change(after, before)} against {policy_label(base)}" if many else None,
        delta_color="inverse",
        border=True,
        height="stretch",
        help=f"End to end, from arrival to the last token. {name}: "
        + ("half of" if percentile == 50 else "99 of 100")
        + " the requests are faster."
        + (f" {policy_label(base)}: {duration(before)}." if many else ""),
    )


def _error(comparison: Comparison) -> None:
    kind = comparison.scenario.estimator.compensator.kind
    mae = _mean_mae(comparison.estimation)
    shown = kind if kind != "none" and kind in mae else "ema"
    unit = comparison.scenario.estimator.unit
    before, after = mae.get("none", float("nan")), mae.get(shown, float("nan"))
    st.metric(
        f"Length error, {shown.upper() if shown == 'ema' else shown.title()}",
        f"{after:.0f} {unit}" if np.isfinite(after) else "–",
        f"{percent_change(after, before)} against no correction",
        delta_color="inverse",
        border=True,
        height="stretch",
        help="How far the estimated answer length is off on average (mean absolute error, MAE), "
        f"with the correction that learns from finished requests. Without it: {before:.0f} {unit}.",
    )


def _mean_mae(estimation: pd.DataFrame) -> dict[str, float]:
    means = estimation.groupby("compensator", observed=True)["mae"].mean()
    return {str(name): float(value) for name, value in means.items()}


def _ends(runs: Mapping[str, RunResult]) -> None:
    status = next(iter(runs.values())).requests["status"]
    lost = {name: int((run.requests["status"] != "finished").sum()) for name, run in runs.items()}
    worst = max(lost, key=lambda name: lost[name])
    st.metric(
        "Requests",
        f"{len(status):,}".replace(",", " "),
        f"all finished under {len(runs)} policies"
        if not lost[worst]
        else f"up to {lost[worst]} not finished ({policy_label(worst)})",
        delta_color="off" if not lost[worst] else "inverse",
        delta_arrow="off",
        border=True,
        height="stretch",
        help="Each policy serves the same requests. Not finished: rejected, failed, timed out or "
        "cancelled.",
    )
