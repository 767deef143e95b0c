"""How much load a goal bears, and how many GPUs it needs."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from driftsched.charts import theme
from driftsched.charts.labels import policy_label
from driftsched.charts.theme import Look, policy_colours
from driftsched.charts.traces import bars, dots, error_bar, level

CAPACITY = Look(
    "The highest load at which the goal holds",
    "capacity",
    "Left of a bar the goal surely holds, right of it surely fails (95 %); dashed is today's load.",
    "Load / today's (ratio)",
    "",
)
GPUS = Look(
    "The fewest GPUs with which the goal holds",
    "gpus-needed",
    "With the whole bar the goal holds, 95 % sure; with its grey part alone it surely fails.",
    "GPUs",
    "",
)


def capacity(frame: pd.DataFrame) -> go.Figure:
    """Draw a dot a policy with its interval, the highest on top.

    `frame` has policy, value, low, high: factors on today's load, finite and above 0.
    """
    if frame.empty:
        return CAPACITY.empty("No load was found at which the goal begins to fail")
    rows = frame.sort_values("value", ascending=False)
    colours = policy_colours(rows["policy"])
    traces = []
    for place in range(len(rows)):
        row = rows.iloc[[place]]
        policy = str(row["policy"].iloc[0])
        drawn = dots(
            row["value"],
            [policy_label(policy)],
            policy_label(policy),
            colours[policy],
            "%{x:.3f}",
            marker={"size": 12},
            showlegend=False,
        )
        traces.append(drawn | {"error_x": error_bar(row, "value", width=8, thickness=3)})
    layout = {
        "shapes": [level(1, upright=True)],
        "yaxis": {"autorange": "reversed"},
        "xaxis": {"rangemode": "tozero"},
    }
    return CAPACITY.figure(traces, layout, hover="closest", height=170 + 45 * len(rows))


def gpus_needed(frame: pd.DataFrame) -> go.Figure:
    """Draw a bar a kind of GPU: how many surely do not suffice, how many suffice.

    `frame` has gpu, gpus and too_few: numbers of GPUs.
    """
    if frame.empty:
        return GPUS.empty("No number of these GPUs suffices")
    names, more = frame["gpu"], frame["gpus"] - frame["too_few"]
    flat = {"orientation": "h"}
    few = bars(frame["too_few"], names, "Too few", theme.NEUTRAL, "%{x} are too few", **flat)
    enough = bars(more, names, "Enough", theme.BLUE, "%{text} suffice", **flat)
    enough |= {"text": [*frame["gpus"]], "textposition": "outside"}
    whole = {"dtick": 1} if frame["gpus"].max() <= 12 else {}
    layout = {
        "xaxis": whole,
        "barmode": "stack",
        "yaxis": {"autorange": "reversed"},
        "bargap": 0.45,
    }
    return GPUS.figure([few, enough], layout, hover="closest", height=200 + 45 * len(frame))
