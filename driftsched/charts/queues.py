"""How many requests wait, over time, by tenant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import MAX_SERIES, OTHERS, Floats, names_in, peaks
from driftsched.charts.labels import TIME
from driftsched.charts.marks import Marks, add_marks
from driftsched.charts.theme import Look, tenant_colours
from driftsched.charts.traces import line

LOOK = Look(
    "Queue depth by tenant",
    "queue-depth",
    "A queue that keeps growing means that more work comes in than the GPU can do.",
    TIME,
    "Waiting requests",
)


def queue_depth(queues: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw the waiting requests of each tenant as steps.

    `queues` has time_s, tenant, waiting, one row a change. Over 600 changes are drawn as the peaks
    of 600 intervals.
    """
    if queues.empty:
        return LOOK.empty("No requests yet")
    names = names_in(queues["tenant"])
    colours = tenant_colours(names)
    levels = {name: _events(queues[queues["tenant"] == name]) for name in names}
    if len(names) > MAX_SERIES:
        heavy = sorted(names, key=lambda name: -float(np.max(levels[name][1])))[: MAX_SERIES - 1]
        rest = queues[~queues["tenant"].isin(heavy)]
        levels = {name: levels[name] for name in names if name in heavy} | {OTHERS: total(rest)}
        colours = tenant_colours(levels)
    traces = [queue_steps(name, colours[name], *events) for name, events in levels.items()]
    return add_marks(LOOK.figure(traces, {"yaxis": {"rangemode": "tozero"}}), marks)


def _events(queues: pd.DataFrame) -> tuple[Floats, Floats]:
    return queues["time_s"].to_numpy(np.float64), queues["waiting"].to_numpy(np.float64)


def total(queues: pd.DataFrame) -> tuple[Floats, Floats]:
    """Times in seconds, and how many requests of all tenants wait from each on."""
    waiting = queues["waiting"].astype(np.float64)
    before = waiting.groupby(queues["tenant"], observed=True).shift(fill_value=0)
    level: Floats = np.cumsum((waiting - before).to_numpy(np.float64))
    return queues["time_s"].to_numpy(np.float64), level


def queue_steps(
    name: str, colour: str, time_s: Floats, waiting: Floats, dash: str = "solid"
) -> dict[str, Any]:
    """Trace of a queue's length, thinned to its peaks."""
    look = {"width": 2, "shape": "hv", "dash": dash}
    return line(*peaks(time_s, waiting), name, colour, "%{y:,.0f}", line=look)
