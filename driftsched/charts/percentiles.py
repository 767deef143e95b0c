"""Percentiles of a latency side by side for the policies, with confidence intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import names_in
from driftsched.charts.labels import metric_label, policy_label
from driftsched.charts.theme import ERROR_BAR, empty, finish, policy_colours

__all__ = ["LOOK_AT", "percentiles"]

LOOK_AT = (
    "Compare bars of one percentile; a difference is worth believing where the error bars, 95 % "
    "intervals, do not overlap."
)


def percentiles(frame: pd.DataFrame, metric: str = "e2e_s") -> go.Figure:
    """Draw grouped bars, one group a percentile and one bar a policy.

    Parameters
    ----------
    frame : DataFrame
        policy, metric, percentile (0 to 100), value_s, and where known low_s and high_s, the ends
        of the confidence interval.
    metric : str
        Which rows to draw.
    """
    words: dict[str, Any] = {
        "title": "Latency percentiles",
        "x": "Percentile",
        "y": metric_label(metric),
    }
    words |= {"filename": f"percentiles-{metric.removesuffix('_s')}"}
    rows = frame if frame.empty else frame[frame["metric"] == metric]
    rows = rows if rows.empty else rows[rows["value_s"].notna()]
    if rows.empty:
        return empty(**words)
    colours = policy_colours(names_in(frame["policy"]))
    figure = go.Figure()
    for policy in names_in(rows["policy"]):
        mine = rows[rows["policy"] == policy].sort_values("percentile")
        figure.add_bar(
            x=[f"P{level:g}" for level in mine["percentile"]],
            y=mine["value_s"].to_numpy(),
            error_y=_interval(mine),
            name=policy_label(policy),
            marker={"color": colours[policy]},
            hovertemplate="%{y:,.3~r} s",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    return finish(figure, **words)


def _interval(rows: pd.DataFrame) -> dict[str, object]:
    if not {"low_s", "high_s"} <= set(rows.columns):
        return {"visible": False}
    value = rows["value_s"]
    return {
        "type": "data",
        "symmetric": False,
        "array": (rows["high_s"] - value).clip(lower=0).to_numpy(),
        "arrayminus": (value - rows["low_s"]).clip(lower=0).to_numpy(),
    } | ERROR_BAR
