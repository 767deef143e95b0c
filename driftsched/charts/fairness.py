"""Who got how much service beside their due, and Jain's index of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import names_in
from driftsched.charts.labels import policy_label
from driftsched.charts.theme import ERROR_BAR, NEUTRAL, empty, finish, tenant_colours

__all__ = ["LOOK_AT", "fairness"]

LOOK_AT = (
    "Bars of equal height are a fair share by weight; Jain's index is 1 then and falls towards "
    "1 / tenants as one takes all; lines and ± are 95 % intervals over the replications."
)


def fairness(frame: pd.DataFrame, jain: Mapping[str, str] | None = None) -> go.Figure:
    """Draw the weight-normalised service of each tenant under each policy.

    Parameters
    ----------
    frame : DataFrame
        policy, tenant, normalised_share: service of the tenant over what its weight entitles it
        to, 1 being exactly its due; where known low and high, the ends of its interval.
    jain : mapping of str to str, optional
        Policy → Jain's index in words, with its interval; without it, it is computed from
        normalised_share.
    """
    words: dict[str, Any] = {"title": "Fairness", "x": "Policy", "filename": "fairness"}
    words |= {"y": "Service per weight (1 = its due)"}
    if frame.empty:
        return empty(**words)
    labels = {policy: _label(frame, policy, jain) for policy in names_in(frame["policy"])}
    names = names_in(frame["tenant"])
    colours = tenant_colours(names)
    figure = go.Figure()
    for name in names:
        mine = frame[frame["tenant"] == name]
        figure.add_bar(
            x=[labels[str(policy)] for policy in mine["policy"]],
            y=mine["normalised_share"].to_numpy(np.float64),
            error_y=_interval(mine),
            name=name,
            marker={"color": colours[name]},
            hovertemplate="%{y:.2f}",
        )
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(categoryorder="array", categoryarray=list(labels.values()))
    return finish(figure, **words)


def _interval(rows: pd.DataFrame) -> dict[str, object]:
    if not {"low", "high"} <= set(rows.columns):
        return {"visible": False}
    share = rows["normalised_share"].to_numpy(np.float64)
    return {
        "type": "data",
        "symmetric": False,
        "array": rows["high"].to_numpy(np.float64) - share,
        "arrayminus": share - rows["low"].to_numpy(np.float64),
    } | ERROR_BAR


def _label(frame: pd.DataFrame, policy: str, jain: Mapping[str, str] | None) -> str:
    if jain is not None and policy in jain:
        return f"{policy_label(policy)}<br>Jain {jain[policy]}"
    shares = frame.loc[frame["policy"] == policy, "normalised_share"].to_numpy(np.float64)
    squares = len(shares) * float(np.sum(shares**2))
    index = float(np.sum(shares)) ** 2 / squares if squares > 0 else float("nan")
    return f"{policy_label(policy)}<br>Jain {index:.3f}"
