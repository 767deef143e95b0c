"""Load over time before a run: ρ of each stretch, and the queue that it would leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from driftsched.charts.labels import TIME
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import NEUTRAL, PALETTE, empty, finish, translucent

__all__ = ["LOOK_AT", "load"]

LOOK_AT = (
    "Over the dashed line more is asked for than the cluster can serve, and the queue below grows "
    "until the load has been under it for long enough."
)
STEPS = 1000
HEADROOM = 1.4
"""Room above the load for the marks' labels."""
LOAD, QUEUE = "Load ρ (ratio)", "Waiting (requests)"


def load(stretches: pd.DataFrame, marks: Sequence[tuple[float, str]] = ()) -> go.Figure:
    """Draw ρ as steps, and the backlog of the fluid limit as a line below.

    Parameters
    ----------
    stretches : DataFrame
        from_s, to_s, rate_rps, saturation_rps, rho, entered, backlog: what `stretches_frame` gives;
        of over 1000 rows as many are drawn.
    marks : sequence of (float, str)
        Labelled vertical lines.
    """
    words: dict[str, Any] = {"title": "Predicted load", "filename": "load"}
    if stretches.empty:
        return empty(**words, x=TIME, y=LOAD, text="No traffic")
    if len(stretches) > STEPS:
        stretches = stretches.iloc[np.linspace(0, len(stretches) - 1, STEPS).astype(int)]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    ends = stretches[["from_s", "to_s"]].to_numpy(np.float64)
    twice = stretches.iloc[np.repeat(np.arange(len(stretches)), 2)]
    time_s = ends.ravel()
    backlog = stretches[["entered", "backlog"]].to_numpy(np.float64).ravel()
    rates = twice[["rate_rps", "saturation_rps"]]
    figure.add_scatter(
        **_area(time_s, twice["rho"], 0, "Load"),
        customdata=rates,
        hovertemplate="ρ %{y:.2f}: %{customdata[0]:.3g} asked, %{customdata[1]:.3g} served a s",
    )
    figure.add_scatter(
        **_area(time_s, backlog, 1, "Queue, if all flowed evenly"),
        hovertemplate="%{y:,.0f} waiting",
    )
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"}, row=1, col=1)
    figure.update_yaxes(rangemode="tozero")
    highest = max(1.0, float(stretches["rho"].max()))
    figure.update_yaxes(range=[0, HEADROOM * highest], row=1, col=1)
    figure.update_yaxes(title={"text": LOAD, "standoff": 12}, row=1, col=1)
    figure.update_yaxes(title={"text": QUEUE, "standoff": 12}, row=2, col=1)
    figure.update_xaxes(title={"text": TIME, "standoff": 12}, row=2, col=1)
    return add_marks(finish(figure, **words, x=None, y=None, height=420), marks)


def _area(x: Any, y: Any, place: int, name: str) -> dict[str, Any]:
    """A line and what lies under it, in the panel of its place."""
    return {
        "x": x,
        "y": y,
        "name": name,
        "mode": "lines",
        "line": {"color": PALETTE[place], "width": 2.5},
        "fill": "tozeroy",
        "fillcolor": translucent(PALETTE[place], 0.18),
        "row": place + 1,
        "col": 1,
    }
