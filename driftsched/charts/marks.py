"""Vertical lines with labels: where phases begin, where something was changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from driftsched.charts.theme import NEUTRAL

Marks = Sequence[tuple[float, str]]
"""Seconds and label of each."""

ROWS = 4
LETTER = 0.011
"""About the width of a letter as a share of the plot's width."""


def add_marks(figure: go.Figure, marks: Marks) -> go.Figure:
    """Draw a labelled vertical line through the whole figure, whose x axis is time, at each mark.

    Changes the figure and returns it. Labels that would touch are put below each other.
    """
    if marks:  # together: each change of a layout takes plotly milliseconds
        shapes, labels = mark_parts(marks, _span(figure, [at for at, _ in marks]))
        figure.layout.shapes = [*figure.layout.shapes, *shapes]
        figure.layout.annotations = [*figure.layout.annotations, *labels]
    return figure


def mark_parts(marks: Marks, span: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the lines and the labels of marks, of a plot that is `span` seconds wide."""
    ends = [-np.inf] * ROWS
    shapes, labels = [], []
    for at, label in sorted(marks):
        row = next((row for row in range(ROWS) if ends[row] <= at), ROWS - 1)
        ends[row] = at + (len(label) + 1) * LETTER * span
        shapes.append(
            {"type": "line", "x0": at, "x1": at, "xref": "x", "y0": 0, "y1": 1, "yref": "paper"}
            | {"layer": "below", "line": {"color": NEUTRAL, "width": 1, "dash": "dot"}}
        )
        labels.append(
            {"x": at, "xref": "x", "y": 1, "yref": "paper", "text": label, "showarrow": False}
            | {"opacity": 0.8, "xanchor": "left", "yanchor": "top", "yshift": -14 * row}
            | {"xshift": 2, "font": {"size": 11}}
        )
    return shapes, labels


def _span(figure: go.Figure, times: list[float]) -> float:
    for trace in figure.data:
        values = getattr(trace, "x", None)
        if values is not None and len(values) and not isinstance(values[0], str):
            times = [*times, float(np.min(values)), float(np.max(values))]
    return max(times) - min(times) if times else 0.0
