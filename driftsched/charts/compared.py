"""A figure beside what it was before: ghosts of the former lines, and axes that stay put."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

GHOST = 0.45
ROOM, FILLED = 0.25, 0.4
"""Room beside what is drawn first, as a share; an axis filled less than that is drawn anew."""
Ranges = Mapping[str, tuple[str, float, float]]
"""Axis → its type, linear or log, and its ends; those of a logarithmic one as powers of ten."""


def with_ghost(figure: go.Figure, before: go.Figure, name: str = "pinned") -> go.Figure:
    """Draw the lines, marks and bars of `before`, the same chart of other numbers, faintly behind.

    The legend calls them `name`; bands are left out.
    """
    ghosts: list[Any] = []
    for trace in before.data:
        if trace.type == "scatter" and trace.fill:
            continue
        ghost = type(trace)(trace)
        ghost.update(name=name, legendgroup=f"before {name}", showlegend=not ghosts)
        ghost.update(
            opacity=GHOST, hoverinfo="skip", hovertemplate=None, error_y={"visible": False}
        )
        if trace.type == "scatter" and "lines" in (trace.mode or ""):
            ghost.line.update(dash="dot", width=2)
        ghosts.append(ghost)
    if ghosts and figure.data:
        figure = go.Figure({"data": [*ghosts, *figure.data], "layout": figure.layout})
    return figure


def held(figure: go.Figure, before: Ranges | None) -> Ranges:
    """Give a figure's axes of numbers the ranges they had, or wider ones where it needs them.

    Changes the figure. `before` is what was returned for the figure before it; None gives room for
    what may come.
    """
    found: dict[str, tuple[str, float, float]] = {}
    layout: dict[str, Any] = {}
    for axis in ("xaxis", "yaxis"):
        look = figure.layout[axis]
        kind = "log" if look.type == "log" else "linear"
        values = np.concatenate([np.empty(0), *_drawn(figure, axis[0])])
        if look.range is not None or look.autorange == "reversed" or look.tickvals is not None:
            continue
        values = values[np.isfinite(values) & ((values > 0) | (kind == "linear"))]
        if not len(values):
            continue
        values = np.log10(values) if kind == "log" else values
        low, high = float(values.min()), float(values.max())
        old = (before or {}).get(axis)
        if old is None or old[0] != kind or high - low < FILLED * (old[2] - old[1]):
            room = ROOM * (high - low) or 0.5
            floor = 0.0 if kind == "linear" and low >= 0 else low - room / 2
            found[axis] = (kind, floor, high + room)
        else:
            found[axis] = (kind, min(old[1], low), max(old[2], high))
        layout[axis] = {"range": found[axis][1:]}
    figure.update_layout(layout)
    return found


def _drawn(figure: go.Figure, axis: str) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
    """What is drawn along an axis, if it is numbers."""
    for trace in figure.data:
        values = np.asarray([] if trace[axis] is None else trace[axis])
        if not len(values) or isinstance(values[0], str):
            continue
        yield (numbers := values.astype(np.float64))
        if "error_" + axis in trace and (more := trace["error_" + axis].array) is not None:
            yield numbers + np.nan_to_num(np.asarray(more, dtype=np.float64))


def main_figures(figure: go.Figure, most: int = 10) -> str:
    """A chart's main figures for those who hear it: where each named line or bar ends and peaks."""
    said = []
    for trace in figure.data:
        filled = trace.type == "scatter" and trace.fill
        if filled or trace.type not in ("scatter", "bar") or trace.showlegend is False:
            continue
        along, across = (np.asarray([] if trace[axis] is None else trace[axis]) for axis in "xy")
        if not len(across) or isinstance(across[0], str):
            continue
        values = np.asarray(across, dtype=np.float64)
        if isinstance(along[0], str):
            pairs = zip(along, values, strict=False)
            said.append(f"{trace.name}: {', '.join(f'{x} {y:.3g}' for x, y in list(pairs)[:most])}")
        elif np.isfinite(values).any() and "lines" in (trace.mode or ""):
            top, middle = int(np.nanargmax(values)), len(values) // 2
            said.append(
                f"{trace.name}: {values[middle]:.3g} at {float(along[middle]):.3g}, at most "
                f"{values[top]:.3g} at {float(along[top]):.3g}"
            )
        elif np.isfinite(values).any():
            said.append(f"{trace.name}: {', '.join(f'{y:.3g}' for y in values[:most])}")
    return "; ".join(said[:most]) + ("." if said else "")
