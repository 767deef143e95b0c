"""Lines with intervals: what several replications say together, over time or load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from driftsched.charts.frames import names_in
from driftsched.charts.labels import TIME, policy_label
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import (
    NEUTRAL,
    category_colours,
    empty,
    finish,
    policy_colours,
    tenant_colours,
    translucent,
)

__all__ = [
    "LOOK_AT",
    "band_area",
    "bands",
    "bias_bands",
    "drift_bands",
    "line_with_band",
    "queue_bands",
]

LOOK_AT = (
    "A line is the mean over the replications, its band the 95 % interval at each time (Student's "
    "t); lines whose bands do not touch differ."
)
POINTS = 300
ONE: dict[str, Any] = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y"}
ONE |= {"y0": 1, "y1": 1, "line": {"color": NEUTRAL, "width": 1.5, "dash": "dash"}}
Marks = Sequence[tuple[float, str]]


def queue_bands(frame: pd.DataFrame, marks: Marks = (), *, by: str = "policy") -> go.Figure:
    """Draw waiting requests over time, a line a policy or tenant.

    Parameters
    ----------
    frame : DataFrame
        name, time_s, mean, low, high.
    marks : sequence of (float, str)
        Labelled vertical lines.
    by : str
        What the names are, policy or tenant.
    """
    colours = tenant_colours if by == "tenant" else policy_colours
    words = {"title": f"Queue depth by {by}", "y": "Waiting requests"}
    words |= {"filename": f"queue-depth-by-{by}"}
    label = str if by == "tenant" else policy_label
    figure = bands(frame, colours, words, hover="%{y:,.0f}", label=label)
    return add_marks(figure, marks)


def drift_bands(frame: pd.DataFrame, unit: str = "tokens", marks: Marks = ()) -> go.Figure:
    """Draw actual over estimated length over time, a line a category; columns as `queue_bands`."""
    words = {"title": "Token drift", "y": f"Actual / estimated {unit} (ratio)", "filename": "drift"}
    return _around_one(frame, words, marks)


def bias_bands(frame: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw the bias that requests were estimated with, a line a category; as `queue_bands`."""
    words = {"title": "Learned bias", "y": "Bias (factor)", "filename": "bias"}
    return _around_one(frame, words, marks)


def _around_one(frame: pd.DataFrame, words: dict[str, str], marks: Marks) -> go.Figure:
    layout = {"shapes": [ONE]}
    return add_marks(bands(frame, category_colours, words, hover="%{y:.2f}", layout=layout), marks)


def bands(
    frame: pd.DataFrame,
    colours: Callable[[Iterable[str]], dict[str, str]],
    words: Mapping[str, str],
    *,
    hover: str,
    label: Callable[[str], str] = str,
    layout: Mapping[str, Any] | None = None,
) -> go.Figure:
    """Draw a line with a band for each name.

    Parameters
    ----------
    frame : DataFrame
        name, time_s, mean, low, high; ends of NaN draw no band.
    colours : callable
        Names → colours.
    words : mapping of str to str
        title, y and filename.
    hover : str
        Plotly's format of a value.
    label : callable
        Name → what the legend says.
    layout : mapping, optional
        More of the figure's layout.
    """
    if frame.empty:
        return empty(**words, x=TIME)
    traces: list[dict[str, Any]] = []
    colour = colours(names_in(frame["name"]))
    for name, mine in frame.groupby("name", sort=False, observed=True):
        columns = [mine[column].to_numpy() for column in ("time_s", "mean", "low", "high")]
        traces += line_with_band(str(name), label(str(name)), colour[str(name)], columns, hover)
    return finish(
        go.Figure(traces, {"yaxis": {"rangemode": "tozero"}} | dict(layout or {})),
        title=words["title"],
        y=words["y"],
        filename=words["filename"],
        x=TIME,
    )


def line_with_band(
    name: str,
    label: str,
    colour: str,
    columns: Sequence[NDArray[Any]],
    hover: str,
    dash: str = "solid",
) -> list[dict[str, Any]]:
    """Traces of one line and its band below it, which has gaps where an end is not known.

    Parameters
    ----------
    columns : sequence of array
        x, y, and the low and high ends of y's interval.
    """
    kept = np.unique(np.linspace(0, len(columns[0]) - 1, min(len(columns[0]), POINTS)).astype(int))
    x, mean, low, high = (np.asarray(column)[kept] for column in columns)
    line = {
        "type": "scatter",
        "x": x,
        "y": mean,
        "name": label,
        "legendgroup": name,
        "mode": "lines" if len(x) > 1 else "markers",
        "line": {"color": colour, "width": 2.5, "dash": dash},
        "hovertemplate": hover,
    }
    areas = [
        band_area(name, f"{label} interval", colour, (x[part], low[part], high[part]))
        for part in _stretches(np.isfinite(low) & np.isfinite(high))
    ]
    return [*areas, line]


def _stretches(known: NDArray[np.bool_]) -> list[slice]:
    """Where at least two neighbours are known."""
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(int)))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def band_area(
    name: str, label: str, colour: str, ends: Sequence[NDArray[Any]], opacity: float = 0.18
) -> dict[str, Any]:
    """Trace of the area between two lines; it belongs to the line `name` and says nothing itself.

    Parameters
    ----------
    ends : sequence of array
        x, and the low and high ends there.
    """
    x, low, high = ends
    return {
        "type": "scatter",
        "x": np.r_[x, x[::-1]],
        "y": np.r_[high, low[::-1]],
        "fill": "toself",
        "fillcolor": translucent(colour, opacity),
        "line": {"width": 0},
        "mode": "lines",
        "name": label,
        "legendgroup": name,
        "showlegend": False,
        "hoverinfo": "skip",
    }
