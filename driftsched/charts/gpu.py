"""What the GPU did over time: requests in it, memory for their tokens, busy, power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from driftsched.charts.frames import Floats, bin_means
from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import PALETTE, empty, finish

__all__ = ["LOOK_AT", "gpu"]

LOOK_AT = (
    "A busy GPU with few requests in it is held back by memory or by the batch size, not by "
    "arithmetic."
)
ROWS = ("Running (requests)", "KV cache (% used)", "Busy (% of time)", "Power (W)")


def gpu(gpus: pd.DataFrame, marks: Sequence[tuple[float, str]] = ()) -> go.Figure:
    """Draw running requests, KV cache, busy share and power, one above the other.

    Parameters
    ----------
    gpus : DataFrame
        time_s, replica, running, kv_used_tokens, kv_capacity_tokens, busy (0 to 1), power_w. What
        is not known at all has no row; over 600 samples are drawn as means of intervals.
    marks : sequence of (float, str)
        Labelled vertical lines, such as `phase_marks`.
    """
    words: dict[str, Any] = {"title": "GPU", "filename": "gpu"}
    values = {} if gpus.empty else _values(gpus)
    if not values:
        return empty(**words, x=TIME, y=ROWS[0], text="No samples yet")
    figure = make_subplots(rows=len(values), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    replicas = gpus["replica"].unique().tolist()
    for row, (label, value) in enumerate(values.items(), start=1):
        for place, replica in enumerate(replicas):
            mine = (gpus["replica"] == replica).to_numpy()
            time_s = gpus["time_s"].to_numpy(np.float64)[mine]
            starts, level = bin_means(time_s, value[mine])
            figure.add_scatter(
                x=starts,
                y=level,
                name=f"{label.split(' (')[0]}, replica {replica}" if len(replicas) > 1 else label,
                mode="lines",
                line={"color": PALETTE[(place if len(replicas) > 1 else row - 1) % len(PALETTE)]},
                showlegend=len(replicas) > 1 and row == 1,
                legendgroup=str(replica),
                hovertemplate="%{y:.1f}",
                row=row,
                col=1,
            )
        figure.update_yaxes(title={"text": label.replace(" (", "<br>(")}, row=row, col=1)
        figure.update_yaxes(rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title={"text": TIME}, row=len(values), col=1)
    finish(figure, **words, x=None, y=None, height=130 + 130 * len(values))
    figure.update_layout(hoversubplots="axis", margin={"t": 84 if len(replicas) > 1 else 56})
    return add_marks(figure, marks)


def _values(gpus: pd.DataFrame) -> dict[str, Floats]:
    used, capacity, running, busy, power = (
        gpus[name].to_numpy(np.float64)
        for name in ("kv_used_tokens", "kv_capacity_tokens", "running", "busy", "power_w")
    )
    share = np.divide(used, capacity, out=np.full(len(used), np.nan), where=capacity > 0)
    columns = (running, 100 * share, 100 * busy, power)
    return {
        label: column
        for label, column in zip(ROWS, columns, strict=True)
        if np.isfinite(column).any()
    }
