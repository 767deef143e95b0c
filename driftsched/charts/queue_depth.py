"""How many requests wait, over time, by tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import MAX_SERIES, OTHERS, Floats, names_in, peaks
from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import empty, finish, tenant_colours

__all__ = ["LOOK_AT", "queue_depth"]

LOOK_AT = "A queue that keeps growing means that more work comes in than the GPU can do."


def queue_depth(queues: pd.DataFrame, marks: Sequence[tuple[float, str]] = ()) -> go.Figure:
    """Draw the waiting requests of each tenant as steps.

    Parameters
    ----------
    queues : DataFrame
        time_s, tenant, waiting: one row a change. Over 600 changes are drawn as the peaks of 600
        intervals.
    marks : sequence of (float, str)
        Labelled vertical lines, such as `phase_marks`.
    """
    words: dict[str, Any] = {"title": "Queue depth by tenant", "x": TIME, "y": "Waiting requests"}
    words |= {"filename": "queue-depth"}
    if queues.empty:
        return empty(**words, text="No requests yet")
    names = names_in(queues["tenant"])
    colours = tenant_colours(names)
    levels = {name: _events(queues[queues["tenant"] == name]) for name in names}
    if len(names) > MAX_SERIES:
        heavy = sorted(names, key=lambda name: -float(np.max(levels[name][1])))[: MAX_SERIES - 1]
        rest = queues[~queues["tenant"].isin(heavy)]
        levels = {name: levels[name] for name in names if name in heavy} | {OTHERS: _total(rest)}
        colours = tenant_colours(levels)
    figure = go.Figure()
    for name, (time_s, waiting) in levels.items():
        _steps(figure, name, colours[name], time_s, waiting)
    return add_marks(finish(figure, **words), marks)


def _events(queues: pd.DataFrame) -> tuple[Floats, Floats]:
    return queues["time_s"].to_numpy(np.float64), queues["waiting"].to_numpy(np.float64)


def _total(queues: pd.DataFrame) -> tuple[Floats, Floats]:
    waiting = queues["waiting"].astype(np.float64)
    before = waiting.groupby(queues["tenant"], observed=True).shift(fill_value=0)
    level: Floats = np.cumsum((waiting - before).to_numpy(np.float64))
    return queues["time_s"].to_numpy(np.float64), level


def _steps(figure: go.Figure, name: str, colour: str, time_s: Floats, waiting: Floats) -> None:
    starts, level = peaks(time_s, waiting)
    figure.add_scatter(
        x=starts,
        y=level,
        name=name,
        mode="lines",
        line={"color": colour, "width": 2, "shape": "hv"},
        hovertemplate="%{y:,.0f}",
    )
    figure.update_yaxes(rangemode="tozero")
