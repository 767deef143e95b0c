"""Published figures beside ours, with our intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.labels import wrap
from driftsched.charts.theme import NEUTRAL, PALETTE, VERMILLION, empty, finish

__all__ = ["LOOK_AT", "claims"]

LOOK_AT = (
    "A published figure holds where the bar around our dot, its 95 % interval, leaves out zero and "
    "the diamond, the published value, is within 10 points of the dot."
)


def claims(frame: pd.DataFrame) -> go.Figure:
    """Draw a row a claim: the published change and ours, with an error bar.

    Parameters
    ----------
    frame : DataFrame
        claim (text), published_percent, ours_percent, low, high: changes in percent and the ends
        of the interval of ours, NaN where unknown. The first row is drawn on top.
    """
    words: dict[str, Any] = {
        "title": "Published and here",
        "x": "Change (%)",
        "y": "",
        "filename": "claims",
    }
    if frame.empty:
        return empty(**words, text="No claims to check yet")
    labels = np.array([wrap(str(claim)) for claim in frame["claim"]], dtype=object)
    published, ours, low, high = (
        frame[name].to_numpy(np.float64)
        for name in ("published_percent", "ours_percent", "low", "high")
    )
    figure = go.Figure()
    figure.add_scatter(
        x=ours,
        y=labels,
        error_x={"type": "data", "symmetric": False, "array": high - ours}
        | {"arrayminus": ours - low, "thickness": 2, "width": 5},
        mode="markers",
        marker={"color": PALETTE[0], "size": 11},
        name="Here",
        hovertemplate="%{x:+.1f} %",
    )
    figure.add_scatter(
        x=published,
        y=labels,
        mode="markers",
        marker={
            "color": VERMILLION,
            "size": 12,
            "symbol": "diamond-open",
            "line": {"width": 2},
        },
        name="Published",
        hovertemplate="%{x:+.1f} %",
    )
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    height = 170 + 30 * len(labels) + 14 * sum(label.count("<br>") for label in labels)
    finish(figure, **words, hover="y unified", height=height)
    return figure.update_yaxes(autorange="reversed")
