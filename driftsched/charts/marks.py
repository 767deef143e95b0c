"""Vertical lines with labels: where phases begin, where something was changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import plotly.graph_objects as go

from driftsched.charts.theme import NEUTRAL

__all__ = ["Marks", "add_marks"]

Marks = Sequence[tuple[float, str]]
"""Seconds and label of each."""

ROWS = 4
LETTER = 0.011
"""About the width of a letter as a share of the plot's width."""


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
