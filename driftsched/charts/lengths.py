"""How long prompts and answers are, by category, beside the budgets at admission."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from driftsched.charts.frames import Floats, few, log_edges, names_in, values_of
from driftsched.charts.theme import LOG_AXIS, category_colours, empty, finish, translucent

__all__ = ["LOOK_AT", "lengths"]

LOOK_AT = (
    "The dotted lines are the budgets at admission; a hump to the right of its own line is drift "
    "that the estimator has to learn; dashed outlines are lengths once drift events have begun."
)
ROWS = {"output_tokens": "Output length (tokens)", "prompt_tokens": "Prompt length (tokens)"}


def lengths(frame: pd.DataFrame, bins: int = 60, drifted: pd.DataFrame | None = None) -> go.Figure:
    """Draw histograms of output and of prompt lengths, one outline a category.

    Parameters
    ----------
    frame : DataFrame
        category, prompt_tokens, output_tokens, base_tokens: one row a request.
    bins : int
        Logarithmic bins.
    drifted : DataFrame, optional
        The same columns of requests under drift: dashed outlines.
    """
    words: dict[str, Any] = {"title": "Lengths", "filename": "lengths"}
    share = "Share of category (%)"
    if frame.empty:
        return empty(**words, x=ROWS["output_tokens"], y=share, text="No requests")
    categories = few(frame["category"])
    names = names_in(categories)
    colours = category_colours(names)
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.2)
    for row, (column, label) in enumerate(ROWS.items(), start=1):
        both = frame if drifted is None else pd.concat([frame, drifted])
        edges = log_edges(values_of(both, column), bins)
        highest = 0.0
        for name in names:
            shares = _shares(values_of(frame[categories == name], column), edges)
            highest = max(highest, float(shares.max()))
            _outline(figure, name, colours[name], edges, shares, row)
            later = None if drifted is None else drifted[drifted["category"] == name]
            if later is not None and len(later):
                shares = _shares(values_of(later, column), edges)
                highest = max(highest, float(shares.max()))
                _outline(figure, name, colours[name], edges, shares, row, later=True)
        if column == "output_tokens":
            for name in names:
                bases = frame.loc[categories == name, "base_tokens"].unique()
                for base in bases if len(bases) == 1 else ():
                    _base(figure, name, colours[name], float(base), highest)
        figure.update_xaxes(title={"text": label, "standoff": 8}, row=row, col=1)
        figure.update_yaxes(title={"text": share}, row=row, col=1)
    figure.update_xaxes(LOG_AXIS)
    figure.update_xaxes(dtick="D2", row=1)  # 1, 2, 5: every unit's label would touch the next
    figure.update_yaxes(rangemode="tozero")
    return finish(figure, **words, x=None, y=None, hover="x", height=560)


def _shares(values: Floats, edges: Floats) -> Floats:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return 100.0 * counts / max(len(values), 1)


def _outline(
    figure: go.Figure,
    name: str,
    colour: str,
    edges: Floats,
    shares: Floats,
    row: int,
    later: bool = False,
) -> None:
    figure.add_scatter(
        x=edges,
        y=np.append(shares, 0),
        name=f"{name}, drifted" if later else name,
        legendgroup=name,
        showlegend=row == 1 and not later,
        mode="lines",
        line={"color": colour, "width": 2, "shape": "hv", "dash": "dash" if later else "solid"},
        fill="none" if later else "tozeroy",
        fillcolor=translucent(colour, 0.18),
        hovertemplate="%{y:.1f} % from %{x:,.0f} tokens",
        row=row,
        col=1,
    )


def _base(figure: go.Figure, name: str, colour: str, base: float, height: float) -> None:
    figure.add_scatter(
        x=[base, base],
        y=[0, height],
        name=f"{name} budget",
        legendgroup=name,
        showlegend=False,
        mode="lines",
        line={"color": colour, "width": 2.5, "dash": "dot"},
        hovertemplate="%{x:,.0f} tokens budgeted",
        row=1,
        col=1,
    )
