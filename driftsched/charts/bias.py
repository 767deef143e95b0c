"""The learned bias over time: what the compensator multiplies the next estimate with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import few, names_in
from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import NEUTRAL, category_colours, empty, finish

__all__ = ["LOOK_AT", "bias"]

LOOK_AT = (
    "Each line should settle where the faint dots, the measured ratios, lie; how soon it gets "
    "there is how fast the estimator learns."
)
POINTS, DOTS = 500, 150


def bias(learning: pd.DataFrame, marks: Sequence[tuple[float, str]] = ()) -> go.Figure:
    """Draw the bias of each category as it is learned, over faint measured values.

    Parameters
    ----------
    learning : DataFrame
        time_s, key (category as classified), measured_bias, bias. Long tables are thinned out.
    marks : sequence of (float, str)
        Labelled vertical lines, such as `phase_marks`.
    """
    words: dict[str, Any] = {
        "title": "Learned bias",
        "x": TIME,
        "y": "Bias (factor)",
        "filename": "bias",
    }
    if learning.empty:
        return empty(**words, text="Nothing learned yet")
    keys = few(learning["key"])
    names = names_in(keys)
    every = keys.cat.categories if isinstance(keys.dtype, pd.CategoricalDtype) else names
    colours = category_colours(every)
    figure = go.Figure()
    for name in names:
        mine = learning[keys == name]
        dots, line = _thin(mine, DOTS), _thin(mine, POINTS)
        figure.add_scatter(
            x=dots["time_s"].to_numpy(),
            y=dots["measured_bias"].to_numpy(),
            mode="markers",
            marker={"color": colours[name], "size": 4},
            opacity=0.35,
            name=f"{name} measured",
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=line["time_s"].to_numpy(),
            y=line["bias"].to_numpy(),
            mode="lines",
            line={"color": colours[name], "width": 2.5, "shape": "hv"},
            name=name,
            legendgroup=name,
            hovertemplate="%{y:.3f}",
        )
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    return add_marks(finish(figure, **words), marks)


def _thin(rows: pd.DataFrame, points: int) -> pd.DataFrame:
    kept = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), points)).astype(int))
    return rows.iloc[kept]
