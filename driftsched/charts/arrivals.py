"""How many requests come each second, by tenant, stacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import few, names_in
from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import empty, finish, tenant_colours, translucent

__all__ = ["LOOK_AT", "arrivals"]

LOOK_AT = "The top of the stack is the total load; look for bursts, and for who causes them."
POINTS = 300


def arrivals(frame: pd.DataFrame, marks: Sequence[tuple[float, str]] = ()) -> go.Figure:
    """Draw arrival rates over time, stacked by tenant.

    Parameters
    ----------
    frame : DataFrame
        time_s, tenant, rate_rps (requests a second): the same times for each tenant. Over 300
        times become as many means.
    marks : sequence of (float, str)
        Labelled vertical lines, such as ``phase_marks(frame, "time_s")``.
    """
    words: dict[str, Any] = {"title": "Arrivals", "x": TIME, "y": "Arrival rate (requests/s)"}
    words |= {"filename": "arrivals"}
    if frame.empty:
        return empty(**words, text="No arrivals")
    rates = frame.assign(tenant=few(frame["tenant"])).pivot_table(
        index="time_s", columns="tenant", values="rate_rps", aggfunc="sum", observed=True
    )
    rates = rates.fillna(0.0)
    if len(rates) > POINTS:
        group = np.arange(len(rates)) * POINTS // len(rates)
        times = pd.Series(rates.index.to_numpy()).groupby(group).mean()
        rates = rates.groupby(group).mean().set_index(times)
    figure = go.Figure()
    names = names_in(few(frame["tenant"]))
    colours = tenant_colours(names)
    for name in names:
        figure.add_scatter(
            x=rates.index.to_numpy(np.float64),
            y=rates[name].to_numpy(np.float64),
            name=name,
            stackgroup="all",
            mode="lines",
            line={"color": colours[name], "width": 1, "shape": "hvh"},
            fillcolor=translucent(colours[name], 0.55),
            hovertemplate="%{y:.2f}",
        )
    return add_marks(finish(figure, **words), marks)
