"""How many requests wait, over time: by tenant in one run, or in all for each policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import MAX_SERIES, OTHERS, Floats, names_in, peaks
from driftsched.charts.labels import TIME, policy_label
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import empty, finish, policy_colours, tenant_colours

__all__ = ["LOOK_AT", "LOOK_AT_BY_POLICY", "queue_depth", "queue_depth_by_policy"]

LOOK_AT = "A queue that keeps growing means that more work comes in than the GPU can do."
LOOK_AT_BY_POLICY = (
    "Policies choose who waits; look at whether one also shortens the queue as a whole."
)
YET = "No requests yet"


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
        return empty(**words, text=YET)
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


def queue_depth_by_policy(
    queues_by_policy: Mapping[str, pd.DataFrame], marks: Sequence[tuple[float, str]] = ()
) -> go.Figure:
    """Draw the waiting requests of all tenants together, one line a policy.

    Parameters
    ----------
    queues_by_policy : mapping of str to DataFrame
        Policy → queues table.
    marks : sequence of (float, str)
        Labelled vertical lines.
    """
    words: dict[str, Any] = {"title": "Queue depth by policy", "x": TIME, "y": "Waiting requests"}
    words |= {"filename": "queue-depth-by-policy"}
    colours = policy_colours(queues_by_policy)
    figure = go.Figure()
    for policy, queues in queues_by_policy.items():
        if not queues.empty:
            _steps(figure, policy_label(policy), colours[policy], *_total(queues))
    if not figure.data:
        return empty(**words, text=YET)
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
