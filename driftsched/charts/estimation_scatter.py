"""Estimated against actual output length, one dot a request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import few, finished, names_in
from driftsched.charts.theme import NEUTRAL, category_colours, empty, finish

__all__ = ["LOOK_AT", "estimation_scatter"]

LOOK_AT = (
    "On the dashed line the estimate was right; dots above it are answers that were longer than "
    "estimated."
)


def estimation_scatter(
    requests: pd.DataFrame, unit: str = "tokens", sample: int = 3000
) -> go.Figure:
    """Draw estimated and actual output lengths on logarithmic axes, with the diagonal.

    Parameters
    ----------
    requests : DataFrame
        Requests table; those that finished count.
    unit : str
        What lengths are counted in, for the words only.
    sample : int
        At most this many dots; which ones is the same at each call.
    """
    words: dict[str, Any] = {"title": "Estimated and actual output", "filename": "estimation"}
    words |= {"x": f"Estimated output ({unit})", "y": f"Actual output ({unit})"}
    done = finished(requests)
    if done.empty:
        return empty(**words)
    if len(done) > sample:
        chosen = np.random.default_rng(0).choice(len(done), sample, replace=False)
        done = done.iloc[np.sort(chosen)]
    names = few(done["category"])
    colours = category_colours(names_in(names))
    figure = go.Figure()
    for name in names_in(names):
        mine = done[names == name]
        figure.add_scatter(
            x=mine["estimated_output_tokens"].to_numpy(np.float64),
            y=mine["counted_output_tokens"].to_numpy(np.float64),
            mode="markers",
            marker={"color": colours[name], "size": 5, "opacity": 0.55},
            name=name,
            hovertemplate="estimated %{x:,.0f}, actual %{y:,.0f}",
        )
    ends = _ends(done)
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5, "dash": "dash"},
        name="as estimated",
        hoverinfo="skip",
    )
    figure.update_layout(legend={"itemsizing": "constant"})
    return finish(figure, **words, hover="closest", log_x=True, log_y=True)


def _ends(done: pd.DataFrame) -> list[float]:
    lengths = done[["estimated_output_tokens", "counted_output_tokens"]].to_numpy(np.float64)
    positive = lengths[lengths > 0]
    return [float(positive.min()), float(positive.max())] if len(positive) else [1.0, 10.0]
