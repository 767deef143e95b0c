"""Fit against data: distribution functions of gaps and lengths, with their KS distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from driftsched.charts.frames import few, names_in
from driftsched.charts.theme import LOG_AXIS, NEUTRAL, category_colours, empty, finish

__all__ = ["LOOK_AT", "fit"]

LOOK_AT = (
    "Where a dotted line (the fit) parts from its solid one (the trace), the fitted scenario will "
    "not behave like the trace; the KS distance is the widest gap between the two."
)
ROWS = {
    "gap": "Gap (expected arrivals)",
    "prompt_tokens": "Prompt length (tokens)",
    "output_tokens": "Output length (tokens)",
}
POINTS = 400
"""Of one curve; more cannot be told apart."""
SHARE = "Share at most so long (%)"


def fit(curves: pd.DataFrame) -> go.Figure:
    """Draw the distribution functions of a trace and of what was fitted to it.

    Parameters
    ----------
    curves : DataFrame
        quantity (gap, prompt_tokens, output_tokens), category, value, data_share, fit_share, ks:
        what `TraceFit.curves` gives.
    """
    words: dict[str, Any] = {"title": "Fit against data", "filename": "fit"}
    if curves.empty:
        return empty(**words, x=ROWS["gap"], y=SHARE, text="Nothing fitted")
    figure = make_subplots(rows=len(ROWS), cols=1, vertical_spacing=0.12)
    lengths = curves[curves["quantity"] != "gap"]
    categories = few(lengths["category"])
    colours = category_colours(names_in(categories))
    for row, (quantity, label) in enumerate(ROWS.items(), start=1):
        mine = curves[curves["quantity"] == quantity]
        for name in names_in(mine["category"]):
            colour = NEUTRAL if quantity == "gap" else colours.get(name)
            if colour is not None:
                _pair(figure, mine[mine["category"] == name], name or "gaps", colour, row)
        figure.update_xaxes(title={"text": label, "standoff": 8}, row=row, col=1)
        figure.update_yaxes(title={"text": SHARE}, range=[0, 102], row=row, col=1)
    figure.update_xaxes(LOG_AXIS)
    return finish(figure, **words, x=None, y=None, hover="x", height=760)


def _pair(figure: go.Figure, curve: pd.DataFrame, name: str, colour: str, row: int) -> None:
    positive = curve[curve["value"] > 0]
    places = np.linspace(0, len(positive) - 1, min(POINTS, len(positive))).round().astype(np.int64)
    shown = positive.iloc[np.unique(places)]
    ks = float(curve["ks"].iloc[0])
    for column, dash, label in (
        ("data_share", "solid", f"{name}, trace"),
        ("fit_share", "dot", f"{name}, fit (KS {ks:.3f})"),
    ):
        figure.add_scatter(
            x=shown["value"],
            y=100 * shown[column],
            name=label,
            legendgroup=name,
            showlegend=row != 3,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate="%{y:.1f} % at most %{x:,.3g}",
            row=row,
            col=1,
        )
