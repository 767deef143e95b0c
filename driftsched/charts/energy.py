"""Energy over time: joules so far, and joules for a thousand tokens so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from driftsched.charts.frames import bin_means
from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import PALETTE, empty, finish

__all__ = ["LOOK_AT", "energy"]

LOOK_AT = (
    "Joules for a thousand tokens fall as the batch fills and rise while the GPU waits: idle, it "
    "draws power for nobody."
)
ROWS = {
    "Energy (kJ)": ("energy_j", 1e-3),
    "Per 1000 tokens (J)": ("energy_per_1000_tokens_j", 1.0),
}


def energy(table: pd.DataFrame, marks: Sequence[tuple[float, str]] = ()) -> go.Figure:
    """Draw energy so far, and below it energy for a thousand tokens finished so far.

    Parameters
    ----------
    table : DataFrame
        time_s, energy_j, energy_per_1000_tokens_j, as from `results.energy_over_time`.
    marks : sequence of (float, str)
        Labelled vertical lines, such as `phase_marks`.
    """
    words: dict[str, Any] = {"title": "Energy over time", "filename": "energy"}
    if table.empty:
        return empty(**words, x=TIME, y="Energy (kJ)", text="Nothing known about energy")
    figure = make_subplots(rows=len(ROWS), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    time_s = table["time_s"].to_numpy(np.float64)
    for row, (label, (column, factor)) in enumerate(ROWS.items(), start=1):
        starts, level = bin_means(time_s, table[column].to_numpy(np.float64) * factor)
        figure.add_scatter(
            x=starts,
            y=level,
            name=label,
            mode="lines",
            line={"color": PALETTE[row - 1]},
            showlegend=False,
            hovertemplate="%{y:.4~g}",
            row=row,
            col=1,
        )
        figure.update_yaxes(title={"text": label.replace(" (", "<br>(")}, row=row, col=1)
        figure.update_yaxes(rangemode="tozero", row=row, col=1)
    # the first batch's thousand tokens cost a hundred times as much, and would flatten the rest
    figure.update_yaxes(type="log", rangemode=None, nticks=5, row=len(ROWS), col=1)
    figure.update_xaxes(title={"text": TIME}, row=len(ROWS), col=1)
    finish(figure, **words, x=None, y=None, height=390)
    figure.update_layout(hoversubplots="axis", margin={"t": 56})
    return add_marks(figure, marks)
