"""Latency of each tenant under each policy, as boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import few, finished, names_in, values_of
from driftsched.charts.labels import metric_label, policy_label
from driftsched.charts.theme import empty, finish, policy_colours, translucent

__all__ = ["LOOK_AT", "LOOK_AT_INTERVALS", "tenant_percentile", "tenants"]

LOOK_AT = (
    "A policy that favours a tenant lowers its box and lifts the others'; boxes hold the middle "
    "half of the requests, whiskers reach from P5 to P95."
)
LOOK_AT_INTERVALS = (
    "A policy that favours a tenant lowers its mark and lifts the others'; lines through the marks "
    "are 95 % intervals."
)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def tenants(requests_by_policy: Mapping[str, pd.DataFrame], metric: str = "e2e_s") -> go.Figure:
    """Draw a box of P5, P25, P50, P75 and P95 for each tenant and policy.

    Parameters
    ----------
    requests_by_policy : mapping of str to DataFrame
        Policy → requests table; requests that did not finish are left out.
    metric : str
        Column in seconds: e2e_s, ttft_s, tpot_s or queue_wait_s.
    """
    words: dict[str, Any] = {"title": "Latency by tenant", "x": "Tenant", "y": metric_label(metric)}
    words |= {"filename": f"tenants-{metric.removesuffix('_s')}"}
    colours = policy_colours(requests_by_policy)
    figure, lowest, order = go.Figure(), np.inf, list[str]()
    for policy, requests in requests_by_policy.items():
        done = finished(requests)
        boxes = {} if done.empty else _boxes(done, metric)
        if not boxes:
            continue
        low, lower, middle, upper, high = np.array(list(boxes.values())).T
        lowest = min(lowest, float(low.min()))
        order = [*order, *(name for name in boxes if name not in order)]
        figure.add_box(
            x=np.array(list(boxes), dtype=object),
            lowerfence=low,
            q1=lower,
            median=middle,
            q3=upper,
            upperfence=high,
            name=policy_label(policy),
            line={"color": colours[policy], "width": 1.8},
            fillcolor=translucent(colours[policy], 0.35),
            hoverinfo="y",
        )
    if not figure.data:
        return empty(**words)
    figure.update_layout(boxmode="group", boxgap=0.3)
    figure.update_xaxes(categoryorder="array", categoryarray=order)
    finish(figure, **words, hover="closest", log_y=lowest > 0)
    return figure.update_yaxes(hoverformat=",.3~r")


def tenant_percentile(frame: pd.DataFrame, percentile: float, metric: str = "e2e_s") -> go.Figure:
    """Draw one percentile of each tenant under each policy, with its interval.

    Parameters
    ----------
    frame : DataFrame
        policy, group (the tenant), percentile, value_s, low_s, high_s.
    percentile : float
        Whose rows to draw.
    metric : str
        What value_s is.
    """
    words: dict[str, Any] = {"title": f"P{percentile:g} by tenant", "x": "Tenant"}
    words |= {"y": metric_label(metric), "filename": f"tenants-{metric.removesuffix('_s')}"}
    rows = frame[(frame["percentile"] == percentile) & frame["value_s"].notna()]
    if rows.empty:
        return empty(**words)
    policies = names_in(frame["policy"])
    colours = policy_colours(policies)
    order = names_in(rows["group"])
    traces = [
        _marks(rows[rows["policy"] == policy], policy, colours[policy], place, order, len(policies))
        for place, policy in enumerate(policies)
    ]
    figure = go.Figure(traces)
    figure.update_xaxes(tickvals=list(range(len(order))), ticktext=order, zeroline=False)
    log_y = bool((rows["low_s"].fillna(rows["value_s"]) > 0).all())
    return finish(figure, **words, hover="closest", log_y=log_y)


def _marks(
    rows: pd.DataFrame, policy: str, colour: str, place: int, order: list[str], policies: int
) -> dict[str, Any]:
    """Marks beside each other, those of the first policy leftmost."""
    value = rows["value_s"].to_numpy(np.float64)
    shift = (place - (policies - 1) / 2) * 0.7 / max(policies, 2)
    return {
        "type": "scatter",
        "x": [order.index(name) + shift for name in rows["group"]],
        "y": value,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": rows["high_s"].to_numpy(np.float64) - value,
            "arrayminus": value - rows["low_s"].to_numpy(np.float64),
            "thickness": 2,
            "width": 4,
        },
        "customdata": rows["group"].to_numpy(dtype=object),
        "mode": "markers",
        "marker": {"color": colour, "size": 9},
        "name": policy_label(policy),
        "hovertemplate": "%{customdata}: %{y:,.3~r} s",
    }


def _boxes(done: pd.DataFrame, metric: str) -> dict[str, list[float]]:
    names = few(done["tenant"])
    values = {name: values_of(done[names == name], metric) for name in names_in(names)}
    return {
        name: np.quantile(found, LEVELS).tolist() for name, found in values.items() if len(found)
    }
