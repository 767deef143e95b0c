"""Which share of the requests is done within a time: one curve a policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from driftsched.charts.bands import line_with_band
from driftsched.charts.frames import finished, names_in, values_of
from driftsched.charts.labels import metric_label, policy_label
from driftsched.charts.theme import SHARE_AXIS, empty, finish, policy_colours

__all__ = ["LOOK_AT", "LOOK_AT_BANDS", "latency_bands", "latency_cdf"]

LOOK_AT = (
    "A curve further left is faster; compare the round marks for the usual request (P50) and the "
    "diamonds for the unlucky one (P99)."
)
LOOK_AT_BANDS = (
    "A curve further left is faster; the round marks are the usual request (P50), the diamonds the "
    "unlucky one (P99), and a band is the 95 % interval of the share of requests at each latency, "
    "over the replications (pointwise, Student's t)."
)
SHARES = np.unique(np.r_[np.linspace(0, 1, 385), 0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.995, 0.999])
MARKS = {0.5: "circle", 0.99: "diamond"}
DASHES = ("solid", "dash", "dot", "dashdot", "12px,4px")


def latency_cdf(
    requests_by_policy: Mapping[str, pd.DataFrame],
    metric: str = "e2e_s",
    log_x: bool = True,
) -> go.Figure:
    """Draw the cumulative distribution of a latency for each policy.

    Parameters
    ----------
    requests_by_policy : mapping of str to DataFrame
        Policy → requests table; requests that did not finish are left out.
    metric : str
        Column in seconds: e2e_s, ttft_s, tpot_s or queue_wait_s.
    log_x : bool
        Logarithmic time axis; values of 0 are then beyond its left end.
    """
    words: dict[str, Any] = {"title": "Latency distribution", "x": metric_label(metric)}
    words |= {"y": "Share of requests (%)", "filename": f"cdf-{metric.removesuffix('_s')}"}
    values = {
        policy: values_of(finished(requests), metric)
        for policy, requests in requests_by_policy.items()
    }
    colours = policy_colours(values)
    values = {policy: found for policy, found in values.items() if len(found)}
    if not values:
        return empty(**words)
    log_x = log_x and any(found[-1] > 0 for found in values.values())
    figure = go.Figure()
    for place, (policy, found) in enumerate(values.items()):
        _curve(figure, policy, found, colours[policy], DASHES[place % len(DASHES)], log_x)
    figure.update_yaxes(SHARE_AXIS)
    return finish(figure, **words, hover="y unified", log_x=log_x)


def latency_bands(curves: pd.DataFrame, metric: str = "e2e_s") -> go.Figure:
    """Draw distributions over several replications, each with its band.

    Parameters
    ----------
    curves : DataFrame
        policy, share (0 to 1, ascending), value_s, low and high: shares between which the
        distribution function lies at value_s.
    metric : str
        What value_s is: e2e_s, ttft_s, tpot_s or queue_wait_s.
    """
    words: dict[str, Any] = {"title": "Latency distribution", "x": metric_label(metric)}
    words |= {"y": "Share of requests (%)", "filename": f"cdf-{metric.removesuffix('_s')}"}
    if curves.empty:
        return empty(**words)
    colours = policy_colours(names_in(curves["policy"]))
    log_x = bool((curves["value_s"] > 0).any())
    traces: list[dict[str, Any]] = []
    for place, (name, mine) in enumerate(curves.groupby("policy", sort=False, observed=True)):
        policy = str(name)
        rows = mine[mine["value_s"] > 0] if log_x else mine
        x, share = rows["value_s"].to_numpy(), rows["share"].to_numpy()
        low, high = rows["low"].to_numpy(), rows["high"].to_numpy()
        look = {"hover": "%{x:,.3~r} s", "dash": DASHES[place % len(DASHES)]}
        drawn = (x, 100 * share, 100 * low, 100 * high)
        traces += line_with_band(policy, policy_label(policy), colours[policy], drawn, **look)
        traces[-1] |= {"hoverinfo": "x"}
        traces.append(_medians(rows, policy, colours[policy]))
    figure = go.Figure(traces).update_yaxes(SHARE_AXIS)
    return finish(figure, **words, hover="y unified", log_x=log_x)


def _medians(rows: pd.DataFrame, policy: str, colour: str) -> dict[str, Any]:
    """Marks at the shares of `MARKS`."""
    marked = rows[rows["share"].isin(list(MARKS))]
    return {
        "type": "scatter",
        "x": marked["value_s"].to_numpy(),
        "y": 100 * marked["share"].to_numpy(),
        "mode": "markers",
        "marker": {
            "color": colour,
            "size": 10,
            "symbol": [MARKS[share] for share in marked["share"]],
        },
        "name": policy_label(policy),
        "legendgroup": policy,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _curve(
    figure: go.Figure,
    policy: str,
    values: NDArray[np.float64],
    colour: str,
    dash: str,
    log_x: bool,
) -> None:
    for shares, symbol in ((SHARES, None), (np.array(list(MARKS)), list(MARKS.values()))):
        times = np.quantile(values, shares)
        drawn = times > 0 if log_x else np.full(len(times), True)
        figure.add_scatter(
            x=times[drawn],
            y=100 * shares[drawn],
            name=policy_label(policy),
            legendgroup=policy,
            mode="lines" if symbol is None else "markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={"color": colour, "size": 10, "symbol": symbol},
            showlegend=symbol is None,
            hoverinfo="x" if symbol is None else "skip",
            hovertemplate="%{x:,.3~r} s" if symbol is None else "",
        )
