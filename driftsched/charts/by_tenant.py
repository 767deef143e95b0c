"""What each tenant gets under each policy: latency, and its share of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import few, names_in, values_of
from driftsched.charts.labels import metric_label, policy_label
from driftsched.charts.theme import Look, policy_colours, tenant_colours, translucent
from driftsched.charts.traces import bars, dots, error_bar, level
from driftsched.results.tables import finished_rows

BOXES = (
    "A policy that favours a tenant lowers its box and lifts the others'; boxes hold the middle "
    "half of the requests, whiskers reach from P5 to P95."
)
MARKS = (
    "A policy that favours a tenant lowers its mark and lifts the others'; lines through the marks "
    "are 95 % intervals."
)
SERVICE = Look(
    "Service while tenants compete",
    "fairness",
    "While tenants compete for the GPU, a bar at 1 is exactly what its weight is due; the gap is "
    "the largest lead of one tenant over another, in tokens over weight; intervals are 95 %, over "
    "the replications.",
    "Policy",
    "Service per weight (1 = its due)",
)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def tenants(
    requests_by_policy: Mapping[str, pd.DataFrame],
    metric: str = "e2e_s",
    colours: Mapping[str, str] | None = None,
) -> go.Figure:
    """Draw a box of P5, P25, P50, P75 and P95 for each tenant and policy.

    Of each policy's requests table those that finished count; `metric` is a column in seconds. With
    `colours` of their own they are no policies, but what they are called.
    """
    look = _look("Latency by tenant", BOXES, metric)
    label = policy_label if colours is None else str
    colours = colours or policy_colours(requests_by_policy)
    traces, lowest, order = [], np.inf, dict[str, None]()
    for policy, requests in requests_by_policy.items():
        done = finished_rows(requests)
        boxes = {} if done.empty else _boxes(done, metric)
        if not boxes:
            continue
        low, lower, middle, upper, high = np.array(list(boxes.values())).T
        lowest = min(lowest, float(low.min()))
        order |= dict.fromkeys(boxes)
        traces.append(
            {
                "type": "box",
                "x": np.array(list(boxes), dtype=object),
                "lowerfence": low,
                "q1": lower,
                "median": middle,
                "q3": upper,
                "upperfence": high,
                "name": label(policy),
                "line": {"color": colours[policy], "width": 1.8},
                "fillcolor": translucent(colours[policy], 0.35),
                "hoverinfo": "y",
            }
        )
    if not traces:
        return look.empty()
    layout = {"boxmode": "group", "boxgap": 0.3, "yaxis": {"hoverformat": ",.3~r"}}
    layout |= {"xaxis": {"categoryorder": "array", "categoryarray": list(order)}}
    return look.figure(traces, layout, hover="closest", log_y=lowest > 0)


def _boxes(done: pd.DataFrame, metric: str) -> dict[str, list[float]]:
    names = few(done["tenant"])
    values = {name: values_of(done[names == name], metric) for name in names_in(names)}
    return {
        name: np.quantile(found, LEVELS).tolist() for name, found in values.items() if len(found)
    }


def _look(title: str, look_at: str, metric: str) -> Look:
    name = f"tenants-{metric.removesuffix('_s')}"
    return Look(title, name, look_at, "Tenant", metric_label(metric))


def tenant_percentile(frame: pd.DataFrame, percentile: float, metric: str = "e2e_s") -> go.Figure:
    """Draw one percentile of each tenant under each policy, with its interval.

    `frame` has policy, group (the tenant), percentile, value_s, low_s, high_s; the rows of
    `percentile` are drawn. `metric` is what value_s is.
    """
    what = " slowdown" if metric == "slowdown" else ""
    look = _look(f"P{percentile:g}{what} by tenant", MARKS, metric)
    rows = frame if frame.empty else frame[frame["percentile"] == percentile]
    rows = rows if rows.empty else rows[rows["value_s"].notna()]
    if rows.empty:
        return look.empty()
    policies, order = names_in(frame["policy"]), names_in(rows["group"])
    colours = policy_colours(policies)
    traces: list[dict[str, Any]] = []
    for place, policy in enumerate(policies):
        mine = rows[rows["policy"] == policy]
        shift = (place - (len(policies) - 1) / 2) * 0.7 / max(len(policies), 2)
        x = [order.index(name) + shift for name in mine["group"]]
        y = mine["value_s"].to_numpy(np.float64)
        said = "%{customdata}: %{y:,.3~r}" + ("×" if what else " s")
        more = {"customdata": mine["group"].to_numpy(dtype=object), "marker": {"size": 9}}
        more["error_y"] = error_bar(mine, "value_s", "low_s", "high_s")
        traces.append(dots(x, y, policy_label(policy), colours[policy], said, **more))
    ticks = {"tickvals": list(range(len(order))), "ticktext": order, "zeroline": False}
    log_y = bool((rows["low_s"].fillna(rows["value_s"]) > 0).all())
    return look.figure(traces, {"xaxis": ticks}, hover="closest", log_y=log_y)


def fairness(
    frame: pd.DataFrame, gaps: Mapping[str, str], label: Callable[[str], str] = policy_label
) -> go.Figure:
    """Draw the weight-normalised service of each tenant that competes, under each policy.

    `frame` has policy, tenant, normalised_share: service of the tenant over what its weight
    entitles it to, 1 being exactly its due; where known low and high, the ends of its interval.
    `gaps` are each policy's largest service gap in words; `label` says what a policy is called.
    """
    if frame.empty:
        return SERVICE.empty()
    policies, names = names_in(frame["policy"]), names_in(frame["tenant"])
    labels = {policy: f"{label(policy)}<br>gap {gaps[policy]}" for policy in policies}
    colours = tenant_colours(names)
    traces = []
    for name in names:
        mine = frame[frame["tenant"] == name]
        x = [labels[str(policy)] for policy in mine["policy"]]
        y = mine["normalised_share"].to_numpy(np.float64)
        error_y = error_bar(mine, "normalised_share", color="#9A9A9A")
        traces.append(bars(x, y, name, colours[name], "%{y:.2f}", error_y=error_y))
    layout = {"barmode": "group", "bargap": 0.3, "shapes": [level()]}
    layout |= {"xaxis": {"categoryorder": "array", "categoryarray": list(labels.values())}}
    return SERVICE.figure(traces, layout)
