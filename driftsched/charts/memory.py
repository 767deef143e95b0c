"""Memory of a GPU: weights, activations, KV cache and what is left alone, for each kind."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.theme import NEUTRAL, PALETTE, empty, finish

__all__ = ["LOOK_AT", "memory"]

LOOK_AT = (
    "What the weights and activations leave is the KV cache, and it bounds how many run at once."
)
COLOURS = {
    "Weights": PALETTE[0],
    "Activations": PALETTE[1],
    "KV cache": PALETTE[2],
    "Left free": NEUTRAL,
}
BAR = 46
KINDS = 20


def memory(parts: pd.DataFrame) -> go.Figure:
    """Draw one bar a kind of GPU, split into its parts.

    Parameters
    ----------
    parts : DataFrame
        gpu (name), part (Weights, Activations, KV cache, Left free), gb (of one GPU); the first
        twenty names are drawn.
    """
    words: dict[str, Any] = {"title": "Memory of a GPU", "filename": "memory", "x": "Memory (GB)"}
    if parts.empty:
        return empty(**words, y="GPU", text="No GPU")
    parts = parts[parts["gpu"].isin(parts["gpu"].unique()[:KINDS])]
    figure = go.Figure()
    for part, colour in COLOURS.items():
        mine = parts[parts["part"] == part]
        figure.add_bar(
            x=mine["gb"],
            y=mine["gpu"].astype(str),
            name=part,
            orientation="h",
            marker={"color": colour},
            hovertemplate="%{x:.1f} GB",
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_yaxes(type="category", autorange="reversed")
    height = 170 + BAR * parts["gpu"].nunique()
    return finish(figure, **words, y="GPU", hover="y unified", height=height)
