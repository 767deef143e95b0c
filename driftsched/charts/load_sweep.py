"""Latency against load: where each policy's knee is."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.bands import line_with_band
from driftsched.charts.frames import names_in
from driftsched.charts.labels import metric_label, policy_label
from driftsched.charts.theme import NEUTRAL, empty, finish, policy_colours

__all__ = ["LOOK_AT", "load_sweep"]

LOOK_AT = (
    "Left of the diamond, the knee, more load costs little; right of it latency grows faster than "
    "the load; bands are 95 % intervals, the line through a diamond the loads that cannot be told "
    "from the knee, and the dashed line is the load as it is set now."
)


def load_sweep(
    frame: pd.DataFrame, percentile: float, metric: str = "e2e_s", now: float | None = None
) -> go.Figure:
    """Draw a percentile of latency against load, a line a policy with its band and its knee.

    Parameters
    ----------
    frame : DataFrame
        policy, utilisation, value_s, low_s, high_s, knee (bool, one row a policy at most), and
        where known knee_low and knee_high, the ends of the knee's interval.
    percentile : float
        What value_s is, for the words only.
    metric : str
        Likewise.
    now : float, optional
        Utilisation to mark.
    """
    words: dict[str, Any] = {"title": f"P{percentile:g} against load", "filename": "load-sweep"}
    words |= {"x": "Offered load / capacity (ρ of the busiest phase)", "y": metric_label(metric)}
    rows = frame if frame.empty else frame[frame["value_s"].notna()]
    if rows.empty:
        return empty(**words)
    colours = policy_colours(names_in(rows["policy"]))
    traces: list[dict[str, Any]] = []
    for name, mine in rows.groupby("policy", sort=False, observed=True):
        policy = str(name)
        columns = [
            mine[column].to_numpy() for column in ("utilisation", "value_s", "low_s", "high_s")
        ]
        label = policy_label(policy)
        traces += line_with_band(policy, label, colours[policy], columns, "%{y:,.3~r} s")
        knee = mine[mine["knee"]]
        traces.append(
            {
                "type": "scatter",
                "x": knee["utilisation"].to_numpy(),
                "y": knee["value_s"].to_numpy(),
                "mode": "markers",
                "marker": {"symbol": "diamond", "size": 12, "color": colours[policy]},
                "name": f"{label}, knee",
                "error_x": _interval(knee),
                "legendgroup": policy,
                "showlegend": False,
                "hoverinfo": "skip",
            }
        )
    figure = finish(go.Figure(traces), **words, log_y=bool((rows["value_s"] > 0).all()))
    if now is not None:
        figure.add_vline(x=now, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    return figure


def _interval(knee: pd.DataFrame) -> dict[str, Any]:
    if "knee_low" not in knee:
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": (knee["knee_high"] - knee["utilisation"]).to_numpy(),
        "arrayminus": (knee["utilisation"] - knee["knee_low"]).to_numpy(),
        "thickness": 2,
        "width": 5,
    }
