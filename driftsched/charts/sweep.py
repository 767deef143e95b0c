"""A sweep: a figure by one parameter, by two, by all; two figures against each other; who matters.

Parameters' names are the scenario's own; a figure's name comes with its unit.
"""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import Floats, names_in, spread
from driftsched.charts.labels import policy_label
from driftsched.charts.theme import BLUE, NEUTRAL, Look, policy_colours
from driftsched.charts.traces import bars, dots, error_bar, line, line_with_band

__all__ = ["sweep_front", "sweep_heat", "sweep_importance", "sweep_lines", "sweep_parallel"]

SCALE = [[0.0, "#F3F7B2"], [0.35, "#63B99B"], [0.7, "#2A6FA8"], [1.0, "#1B2A63"]]
"""Light to dark also for those who see no colours."""
FIFTHS = {
    "lowest fifth": "#3A9BD9",
    "second": "#009E73",
    "middle": "#9A8B00",
    "fourth": "#C98800",
    "highest fifth": "#C84E00",
}
"""Of the points, by the figure that stands last, from blue to red."""
MOST_LINES = 400
"""So many points are drawn in parallel coordinates, evenly spread over the table."""
MOST_DOTS = 1000
LINES = (
    "Where a line stands alone its band is the 95 % interval; where other parameters vary too the "
    "line is their mean and the band reaches from the least to the greatest."
)
HEAT = "Dark is much: each cell is the mean over whatever else varies."
PARALLEL = (
    "Follow a colour back from the last axis to the settings that lead to it; a click on a fifth "
    "in the legend hides it."
)
FRONT = (
    "The line is the Pareto front: to be better in one figure than a point on it costs the other; "
    "faint points are beaten in both."
)
IMPORTANCE = (
    "Share of the variance of the figure's ranks that a parameter explains by itself (first-order "
    "Sobol index, given data); what is missing to 100 % parameters do together, or is noise."
)
NOTHING = "No point has this figure"


def sweep_lines(frame: pd.DataFrame, parameter: str, figure: str, log: bool = False) -> go.Figure:
    """Draw a figure against one parameter, a line a policy with its band.

    Parameters
    ----------
    frame : DataFrame
        policy, x, value, low, high; values of x that are no numbers are drawn side by side.
    parameter, figure : str
        Titles of the axes.
    log : bool
        Whether x is logarithmic.
    """
    look = Look(f"{_short(figure)} by {parameter}", "sweep-lines", LINES, parameter, figure)
    if frame.empty:
        return look.empty(NOTHING)
    colours = policy_colours(names_in(frame["policy"]))
    numbers = pd.api.types.is_numeric_dtype(frame["x"])
    traces: list[dict[str, Any]] = []
    for name, mine in frame.groupby("policy", sort=False):
        policy, label = str(name), policy_label(str(name))
        if numbers:
            rows = mine.sort_values("x", kind="stable")
            columns = [
                rows[column].to_numpy(np.float64) for column in ("x", "value", "low", "high")
            ]
            traces += line_with_band(policy, label, colours[policy], columns, "%{y:,.4~r}")
        else:
            said = "%{y:,.4~r}"
            dot = dots(mine["x"].astype(str), mine["value"], label, colours[policy], said)
            ends = error_bar(mine, "value", color=colours[policy])
            traces.append(dot | {"marker": dot["marker"] | {"size": 11}, "error_y": ends})
    return look.figure(traces, {"yaxis": {"rangemode": "tozero"}}, log_x=log and numbers)


def sweep_heat(frame: pd.DataFrame, x: str, y: str, figure: str) -> go.Figure:
    """Draw a figure over two parameters, a cell a pair of their values.

    `frame` has x, y and value; `x` and `y` are the axes' titles.
    """
    look = Look(f"{_short(figure)} by {x} and {y}", "sweep-heat", HEAT, x, y)
    if frame.empty:
        return look.empty(NOTHING)
    wide = frame.pivot_table(index="y", columns="x", values="value", sort=False)
    for axis in (0, 1):  # numbers ascend, words keep their order
        if pd.api.types.is_numeric_dtype(wide.index if axis == 0 else wide.columns):
            wide = wide.sort_index(axis=axis)
    words = [[_text(value) for value in labels] for labels in (wide.columns, wide.index)]
    heat = {
        "type": "heatmap",
        "x": words[0],
        "y": words[1],
        "z": wide.to_numpy(np.float64),
        "colorscale": SCALE,
        "texttemplate": "%{z:,.3~r}" if wide.size <= 150 else "",
        "hovertemplate": f"%{{z:,.4~r}} {figure}<br>{x} %{{x}}<br>{y} %{{y}}<extra></extra>",
        "colorbar": {"title": {"text": figure, "side": "right"}, "thickness": 14},
        "xgap": 1,
        "ygap": 1,
    }
    plain = {"type": "category", "showgrid": False}
    return look.figure([heat], {"xaxis": plain, "yaxis": plain}, hover="closest")


def sweep_parallel(frame: pd.DataFrame) -> go.Figure:
    """Draw every point as a line through its parameters and figures.

    `frame` has one column an axis, in their order; its name is the axis' title. The last one, a
    figure, gives the colours, a fifth of the points each.
    """
    look = Look("Every point of the sweep", "sweep-parallel", PARALLEL, "", "")
    known = frame.dropna() if len(frame.columns) else frame
    if known.empty:
        return look.empty(NOTHING, x="Parameters", y="Values")
    shown = known.iloc[spread(len(known), MOST_LINES)]
    places, notes = [], []
    for number, column in enumerate(shown.columns):
        at, ticks = _axis(shown[column])
        places.append(at)
        for height, text in ticks:
            note = {"x": number, "y": height, "text": text, "showarrow": False, "xshift": -6}
            notes.append(note | {"xanchor": "right", "bgcolor": "rgba(0, 0, 0, 0)"})
    heights = np.array(places).T
    rank = shown[shown.columns[-1]].rank(method="first", pct=True).to_numpy(np.float64)
    fifth = np.ceil(rank * len(FIFTHS)).astype(np.int64) - 1
    along = np.tile([*range(heights.shape[1]), np.nan], (len(shown), 1))
    broken = np.column_stack([heights, np.full(len(shown), np.nan)])
    traces = [
        line(along[fifth == n].ravel(), broken[fifth == n].ravel(), name, colour, None)
        | {"line": {"color": colour, "width": 1.2}, "opacity": 0.7}
        for n, (name, colour) in enumerate(FIFTHS.items())
    ]
    names = [_wrapped(str(column)) for column in shown.columns]
    room = {"range": [-0.45, len(names) - 0.85], "zeroline": False, "gridcolor": NEUTRAL}
    layout = {
        "xaxis": room | {"tickvals": [*range(len(names))], "ticktext": names},
        "yaxis": {"visible": False, "range": [-0.05, 1.05]},
        "annotations": notes,
    }
    return look.figure(traces, layout, hover="closest")


def _axis(column: pd.Series[Any]) -> tuple[Floats, list[tuple[float, str]]]:
    """Heights of a column's values, 0 to 1, and what stands at some of them."""
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(np.float64)
        low, high = float(values.min()), float(values.max())
        width = high - low or 1.0
        ticks = [(share, _text(low + share * (high - low))) for share in (0.0, 0.5, 1.0)]
        return (values - low) / width, ticks if high > low else [(0.0, _text(low))]
    codes, words = pd.factorize(column)
    most = max(len(words) - 1, 1)
    named = [policy_label(str(w)) if column.name == "policy" else _text(w) for w in words]
    return codes / most, [(place / most, word) for place, word in enumerate(named)]


def sweep_front(frame: pd.DataFrame, first: str, second: str) -> go.Figure:
    """Draw two figures against each other, and the Pareto front.

    Parameters
    ----------
    frame : DataFrame
        first, second, front (bool), policy, and said: what is told of a point on hover.
    first, second : str
        Titles of the axes.
    """
    look = Look(f"{_short(second)} against {_short(first)}", "sweep-front", FRONT, first, second)
    if frame.empty:
        return look.empty(NOTHING)
    front = frame[frame["front"]].sort_values(["first", "second"], kind="stable")
    front = front.iloc[spread(len(front), MOST_DOTS)]
    steps = line(front["first"], front["second"], "Pareto front", NEUTRAL, None)
    traces = [steps | {"line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}]
    beaten = frame[~frame["front"]]
    beaten = beaten.iloc[spread(len(beaten), MOST_DOTS)]
    colours = policy_colours(names_in(frame["policy"]))
    for name, colour in colours.items():
        for rows, size, opacity in ((beaten, 7, 0.3), (front, 11, 1.0)):
            mine = rows[rows["policy"] == name]
            said, look_of = "%{x:,.4~r}, %{y:,.4~r}<br>%{text}", {"size": size, "opacity": opacity}
            dot = dots(mine["first"], mine["second"], policy_label(name), colour, said)
            more = {"text": mine["said"].to_numpy(), "legendgroup": name}
            first_one = rows is front or not (front["policy"] == name).any()
            dot |= {"marker": dot["marker"] | look_of, "showlegend": first_one}
            traces.append(dot | more)
    return look.figure(traces, hover="closest")


def sweep_importance(frame: pd.DataFrame, figure: str) -> go.Figure:
    """Draw how much of a figure each parameter explains by itself.

    `frame` has parameter and share (0 to 1), the greatest first.
    """
    title = "Share of variance explained (%)"
    look = Look(f"What moves {_short(figure)}", "sweep-importance", IMPORTANCE, title, "")
    known = frame if frame.empty else frame[frame["share"].notna()]
    if known.empty:
        return look.empty("Nothing moves it, or too few points")
    said = "%{x:.1f} %<extra>%{y}</extra>"
    names, percent = known["parameter"].astype(str), 100 * known["share"]
    bar = bars(percent, names, "Explained", BLUE, said, orientation="h", showlegend=False)
    layout = {"yaxis": {"autorange": "reversed"}, "xaxis": {"range": [0, 100]}, "bargap": 0.45}
    return look.figure([bar], layout, hover="closest")


def _short(figure: str) -> str:
    """A figure's name without its unit."""
    return figure.partition(" (")[0]


def _wrapped(name: str) -> str:
    """A long name in two lines."""
    head, dot, tail = name.rpartition(".")
    if dot:
        return f"{head}.<br>{tail}"
    return "<br>".join(textwrap.wrap(name, 18)) or name


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
