"""How far estimates are off, with and without compensation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.theme import ERROR_BAR, PALETTE, empty, finish

__all__ = ["LOOK_AT", "estimation_error"]

LOOK_AT = (
    "The gap between no compensation and the oracle is all there is to win; look how much of it "
    "the learned bias wins; lines are 95 % intervals over the replications."
)
LABELS = {"none": "No compensation", "ema": "EMA", "oracle": "Oracle"}
MEASURES = {"mae": "Mean absolute error (MAE)", "rmse": "Root mean square error (RMSE)"}


def estimation_error(frame: pd.DataFrame, unit: str = "tokens") -> go.Figure:
    """Draw the mean absolute and the root mean square error of the output estimates.

    Parameters
    ----------
    frame : DataFrame
        compensator, mae, rmse; where known low and high, the interval of the mae, and rmse_low and
        rmse_high, that of the rmse.
    unit : str
        What lengths are counted in, for the words only.
    """
    words: dict[str, Any] = {
        "title": "Estimation error",
        "x": "Compensator",
        "filename": "estimation-error",
    }
    words |= {"y": f"Error of the output estimate ({unit})"}
    if frame.empty:
        return empty(**words)
    figure = go.Figure()
    labels = [LABELS.get(str(name), str(name)) for name in frame["compensator"]]
    for colour, (measure, label) in zip(PALETTE, MEASURES.items(), strict=False):
        figure.add_bar(
            x=labels,
            y=frame[measure].to_numpy(np.float64),
            error_y=_interval(frame, measure),
            name=label,
            marker={"color": colour},
            texttemplate="%{y:.1f}",
            textposition="inside",
            insidetextfont={"color": "white", "size": 13},
            insidetextanchor="start",
            hovertemplate="%{y:.2f}",
        )
    figure.update_layout(barmode="group", bargap=0.3)
    return finish(figure, **words)


def _interval(frame: pd.DataFrame, measure: str) -> dict[str, object]:
    prefix = "" if measure == "mae" else f"{measure}_"
    low, high = f"{prefix}low", f"{prefix}high"
    if not {low, high} <= set(frame.columns):
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": (frame[high] - frame[measure]).clip(lower=0).to_numpy(np.float64),
        "arrayminus": (frame[measure] - frame[low]).clip(lower=0).to_numpy(np.float64),
    } | ERROR_BAR
