"""Size classes as estimated against as they were: how often a request was taken for another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import finished, names_in
from driftsched.charts.theme import empty, finish

__all__ = ["LOOK_AT", "confusion"]

LOOK_AT = (
    "The diagonal is right; a dark cell off it shows which size is taken for which, for instance "
    "long answers treated as short."
)
SCALE = [(0.0, "#EAF1F7"), (0.5, "#5AA0CC"), (1.0, "#00497A")]


def confusion(requests: pd.DataFrame) -> go.Figure:
    """Draw a heat map of estimated and actual size classes of finished requests.

    Parameters
    ----------
    requests : DataFrame
        Requests table with size_class and actual_size_class. Each cell shows its number of requests
        and its share of its row, that is of the requests which really had that size.
    """
    words: dict[str, Any] = {"title": "Size classes", "x": "Estimated size", "y": "Actual size"}
    words |= {"filename": "size-classes"}
    done = finished(requests)
    if done.empty:
        return empty(**words)
    classes = _classes(done)
    counts = np.array(
        [
            [
                int(((done["actual_size_class"] == actual) & (done["size_class"] == guess)).sum())
                for guess in classes
            ]
            for actual in classes
        ]
    )
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = np.array(classes, dtype=object)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            text=np.array([[f"{count:,}" for count in row] for row in counts], dtype=object),
            zmin=0,
            zmax=100,
            colorscale=SCALE,
            xgap=3,
            ygap=3,
            colorbar={"title": {"text": "Share of row (%)", "side": "right"}, "thickness": 12},
            texttemplate="%{text}<br>%{z:.1f} %",
            hovertemplate="actual %{y}, estimated %{x}<br>%{text} requests<br>"
            "%{z:.1f} % of actual %{y}<extra></extra>",
        )
    )
    finish(figure, **words, hover="closest")
    figure.update_layout(margin={"t": 56})
    figure.update_xaxes(showgrid=False)
    return figure.update_yaxes(showgrid=False, autorange="reversed")


def _classes(done: pd.DataFrame) -> list[str]:
    column = done["actual_size_class"]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(name) for name in column.cat.categories]
    return list(dict.fromkeys(names_in(column) + names_in(done["size_class"])))
