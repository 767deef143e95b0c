"""Drift: how long answers really are beside what was estimated, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.bands import band_area
from driftsched.charts.frames import Floats, few, finished, names_in
from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import NEUTRAL, category_colours, empty, finish

__all__ = ["LOOK_AT", "drift"]

LOOK_AT = (
    "At 1 the estimate is right; above it answers are longer than estimated, and a good "
    "compensator brings the line back to 1."
)
WINDOWS = 120


def drift(
    requests: pd.DataFrame,
    by: str = "category",
    unit: str = "tokens",
    marks: Sequence[tuple[float, str]] = (),
) -> go.Figure:
    """Draw the moving median of actual over estimated output, with its P10 to P90 band.

    Parameters
    ----------
    requests : DataFrame
        Requests table; those that finished count, at the time they finished.
    by : str
        Column whose values become lines: category or predicted_category.
    unit : str
        What lengths are counted in, for the words only.
    marks : sequence of (float, str)
        Labelled vertical lines, such as `phase_marks`.
    """
    words: dict[str, Any] = {"title": "Token drift", "x": TIME, "filename": "drift"}
    words |= {"y": f"Actual / estimated {unit} (ratio)"}
    done = finished(requests)
    if done.empty:
        return empty(**words)
    done = done[done["estimated_output_tokens"] > 0].sort_values("finish_s", kind="stable")
    names = few(done[by])
    colours = category_colours([*names_in(requests[by]), *names_in(names)])
    figure = go.Figure()
    for name in names_in(names):
        mine = done[names == name]
        ratio = mine["counted_output_tokens"] / mine["estimated_output_tokens"]
        time_s = mine["finish_s"].to_numpy(np.float64)
        _line(figure, name, colours[name], *_windows(time_s, ratio.to_numpy(np.float64)))
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_yaxes(rangemode="tozero")
    return add_marks(finish(figure, **words), marks)


def _windows(time_s: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """Return the middle time and P10, P50, P90 of windows of equally many requests."""
    width = min(len(ratio), max(20, len(ratio) // 15))
    starts = np.unique(np.linspace(0, len(ratio) - width, WINDOWS).astype(int))
    middle = time_s[starts + width // 2]
    levels = [np.quantile(ratio[at : at + width], (0.1, 0.5, 0.9)) for at in starts]
    return middle, np.array(levels)


def _line(figure: go.Figure, name: str, colour: str, time_s: Floats, levels: Floats) -> None:
    low, middle, high = levels.T
    ends = (time_s, low, high)
    figure.add_trace(band_area(name, f"{name} P10 to P90", colour, ends, opacity=0.09))
    figure.add_scatter(
        x=time_s,
        y=middle,
        customdata=levels[:, [0, 2]],
        name=name,
        legendgroup=name,
        mode="lines" if len(time_s) > 1 else "markers",
        line={"color": colour, "width": 2.5},
        hovertemplate="%{y:.2f} (P10 %{customdata[0]:.2f}, P90 %{customdata[1]:.2f})",
    )
