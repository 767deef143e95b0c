"""A live run and its simulation, laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import finished, peaks, values_of
from driftsched.charts.labels import TIME, metric_label, policy_label
from driftsched.charts.theme import (
    BLUE,
    LOG_AXIS,
    NEUTRAL,
    ORANGE,
    SHARE_AXIS,
    empty,
    finish,
    policy_colours,
)

__all__ = ["LOOK_AT", "LOOK_AT_POLICIES", "LOOK_AT_QUEUES", "twin", "twin_policies", "twin_queues"]

LOOK_AT = (
    "Where the two curves lie on each other the simulation can be trusted; look at the diamonds, "
    "the unlucky one in a hundred, first."
)
LOOK_AT_QUEUES = "A gap that grows with time means that the simulated engine is too fast or slow."
LOOK_AT_POLICIES = (
    "The live curve is what was; the others are what the same requests would have seen under "
    "another policy, on the calibrated engine."
)
SHARES = np.unique(np.r_[np.linspace(0, 1, 257), 0.5, 0.9, 0.99])
MARKS = {0.5: "circle", 0.9: "square", 0.99: "diamond"}
LIVE, TWIN = "live", "simulated"
YET = "No finished requests yet"


def twin(live: pd.DataFrame, simulated: pd.DataFrame, metric: str = "e2e_s") -> go.Figure:
    """Draw both cumulative distributions of a latency, with P50, P90 and P99 marked.

    Parameters
    ----------
    live, simulated : DataFrame
        Requests tables.
    metric : str
        Column in seconds: e2e_s, ttft_s, tpot_s or queue_wait_s.
    """
    words = _words("Live and simulated", metric, "twin")
    figure = go.Figure()
    for name, requests, colour, dash in (
        (LIVE, live, BLUE, "solid"),
        (TWIN, simulated, ORANGE, "dash"),
    ):
        _curve(figure, name, values_of(finished(requests), metric), colour, dash)
    return _finish(figure, words)


def twin_policies(
    live: pd.DataFrame, by_policy: Mapping[str, pd.DataFrame], metric: str = "e2e_s"
) -> go.Figure:
    """Draw what was beside what would have been: the live curve and one a policy.

    Parameters
    ----------
    live : DataFrame
        Requests table of the live run.
    by_policy : mapping of str to DataFrame
        Policy → requests table of its simulation.
    metric : str
        Column in seconds.
    """
    words = _words("What would it have been", metric, "twin-policies")
    colours = policy_colours(by_policy)
    figure = go.Figure()
    for policy, requests in by_policy.items():
        values = values_of(finished(requests), metric)
        _curve(figure, policy_label(policy), values, colours[policy], "dash")
    _curve(figure, LIVE, values_of(finished(live), metric), NEUTRAL, "solid")
    return _finish(figure, words)


def twin_queues(curves: pd.DataFrame) -> go.Figure:
    """Draw the waiting requests of both over time.

    Parameters
    ----------
    curves : DataFrame
        time_s, live, twin.
    """
    words: dict[str, Any] = {"title": "Queue depth, live and simulated", "x": TIME}
    words |= {"y": "Waiting requests", "filename": "twin-queues"}
    if curves.empty:
        return empty(**words, text=YET)
    figure = go.Figure()
    time_s = curves["time_s"].to_numpy(np.float64)
    for name, column, colour, dash in ((LIVE, "live", BLUE, None), (TWIN, "twin", ORANGE, "dash")):
        starts, level = peaks(time_s, curves[column].to_numpy(np.float64))
        figure.add_scatter(
            x=starts,
            y=level,
            name=name,
            mode="lines",
            line={"color": colour, "width": 2, "shape": "hv", "dash": dash},
            hovertemplate="%{y:,.0f}",
        )
    figure.update_yaxes(rangemode="tozero")
    return finish(figure, **words)


def _words(title: str, metric: str, filename: str) -> dict[str, Any]:
    words = {"title": title, "x": metric_label(metric), "y": "Share of requests (%)"}
    return words | {"filename": f"{filename}-{metric.removesuffix('_s')}"}


def _curve(figure: go.Figure, name: str, values: np.ndarray, colour: str, dash: str) -> None:
    if not len(values):
        return
    for shares, symbol in ((SHARES, None), (np.array(list(MARKS)), list(MARKS.values()))):
        figure.add_scatter(
            x=np.quantile(values, shares),
            y=100 * shares,
            name=name,
            legendgroup=name,
            showlegend=symbol is None,
            mode="lines" if symbol is None else "markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={"color": colour, "size": 9, "symbol": symbol},
            hoverinfo="x" if symbol is None else "skip",
            hovertemplate="%{x:,.3~r} s" if symbol is None else "",
        )


def _finish(figure: go.Figure, words: dict[str, Any]) -> go.Figure:
    if not figure.data:
        return empty(**words, text=YET)
    positive = all(float(trace.x[0]) > 0 for trace in figure.data)
    figure.update_yaxes(SHARE_AXIS)
    finish(figure, **words, hover="y unified", log_x=False)
    if positive:
        figure.update_xaxes(LOG_AXIS)
    return figure
