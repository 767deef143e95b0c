"""How well a fitted cost explains an engine: predicted against measured time of an iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.theme import BLUE, NEUTRAL, ORANGE, empty, finish

__all__ = ["LOOK_AT", "calibration"]

LOOK_AT = (
    "Marks on the line are predicted exactly; a cloud beside it is a kind of iteration that the "
    "cost model does not know."
)
KINDS = {"decoding only": BLUE, "with prompts": ORANGE}
POINTS = 2000


def calibration(residuals: pd.DataFrame) -> go.Figure:
    """Draw each stretch of iterations: measured time an iteration against the predicted one.

    Parameters
    ----------
    residuals : DataFrame
        Of a `Calibration`: seconds, predicted_s, iterations, requests, kv_tokens, prompts.
    """
    words: dict[str, Any] = {
        "title": "Fit of the cost model",
        "x": "Predicted, an iteration (ms)",
        "y": "Measured, an iteration (ms)",
        "filename": "calibration",
    }
    if residuals.empty:
        return empty(**words, text="No observations yet")
    step = max(1, len(residuals) // POINTS)
    rows = residuals.iloc[::step]
    per = 1e3 / rows["iterations"].to_numpy(np.float64)
    predicted, seen = rows["predicted_s"].to_numpy() * per, rows["seconds"].to_numpy() * per
    figure = go.Figure()
    for kind, mine in zip(KINDS, _kinds(rows), strict=True):
        figure.add_scatter(
            x=predicted[mine],
            y=seen[mine],
            name=kind,
            mode="markers",
            marker={"color": KINDS[kind], "size": 6, "opacity": 0.7},
            customdata=rows.loc[mine, ["requests", "kv_tokens", "iterations"]].to_numpy(),
            hovertemplate="%{y:.3g} ms, predicted %{x:.3g} ms<br>%{customdata[0]:.0f} requests, "
            "%{customdata[1]:.0f} tokens of cache, %{customdata[2]:.0f} iterations<extra></extra>",
        )
    low, high = (float(side(np.concatenate([predicted, seen]))) for side in (np.min, np.max))
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        name="as predicted",
        mode="lines",
        line={"color": NEUTRAL, "dash": "dash"},
        hoverinfo="skip",
    )
    return finish(figure, **words, hover="closest", log_x=low > 0, log_y=low > 0)


def _kinds(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    with_prompts = (rows["prompts"] > 0).to_numpy()
    return ~with_prompts, with_prompts
