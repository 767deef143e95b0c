"""Vertical lines with labels: where phases begin, where something was changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.theme import NEUTRAL

__all__ = ["Marks", "add_marks", "join_marks", "phase_marks"]

Marks = Sequence[tuple[float, str]]
"""Seconds and label of each."""

ROWS = 4
LETTER = 0.011
"""About the width of a letter as a share of the plot's width."""


def phase_marks(frame: pd.DataFrame, time: str = "arrival_s") -> list[tuple[float, str]]:
    """Return the start of each phase as marks: (time in seconds, name), in order of time.

    Parameters
    ----------
    frame : DataFrame
        A requests table, or any with the columns phase and `time`.
    time : str
        Column of times; a phase starts at its first row.
    """
    if frame.empty or "phase" not in frame:
        return []
    starts = frame.groupby("phase", observed=True)[time].min().sort_values()
    return [(float(at), str(name)) for name, at in starts.items() if np.isfinite(at)]


def join_marks(*groups: Iterable[tuple[float, str]]) -> list[tuple[float, str]]:
    """Join marks of several kinds in order of time; labels of one instant become one.

    Examples
    --------
    >>> join_marks([(0.0, "calm"), (60.0, "crowd")], [(60.0, "lengths ×2")])
    [(0.0, 'calm'), (60.0, 'crowd · lengths ×2')]
    """
    joined: dict[float, list[str]] = {}
    for at, label in (mark for group in groups for mark in group):
        joined.setdefault(float(at), []).append(label)
    return [(at, " · ".join(joined[at])) for at in sorted(joined)]


def add_marks(figure: go.Figure, marks: Iterable[tuple[float, str]]) -> go.Figure:
    """Draw a labelled vertical line through the whole figure at each mark.

    Parameters
    ----------
    figure : Figure
        Changed and returned; its x axis is time.
    marks : iterable of (float, str)
        Time in seconds and label. Labels that would touch are put below each other.
    """
    ordered = sorted(marks)
    ends = [-np.inf] * ROWS
    span = _span(figure, [at for at, _ in ordered])
    shapes, annotations = list(figure.layout.shapes), list(figure.layout.annotations)
    for at, label in ordered:
        row = next((row for row in range(ROWS) if ends[row] <= at), ROWS - 1)
        ends[row] = at + (len(label) + 1) * LETTER * span
        shapes.append(
            {"type": "line", "x0": at, "x1": at, "xref": "x", "y0": 0, "y1": 1, "yref": "paper"}
            | {"layer": "below", "line": {"color": NEUTRAL, "width": 1, "dash": "dot"}}
        )
        annotations.append(
            {"x": at, "xref": "x", "y": 1, "yref": "paper", "text": label, "showarrow": False}
            | {"opacity": 0.8, "xanchor": "left", "yanchor": "top", "yshift": -14 * row}
            | {"xshift": 2, "font": {"size": 11}}
        )
    if ordered:  # together: each change of a layout takes plotly milliseconds
        figure.layout.shapes, figure.layout.annotations = shapes, annotations
    return figure


def _span(figure: go.Figure, times: list[float]) -> float:
    for trace in figure.data:
        values = getattr(trace, "x", None)
        if values is not None and len(values) and not isinstance(values[0], str):
            times = [*times, float(np.min(values)), float(np.max(values))]
    return max(times) - min(times) if times else 0.0
