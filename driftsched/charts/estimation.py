"""How well answer lengths are estimated: drift, the learned bias, errors, sizes mistaken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import Floats, few, names_in, spread
from driftsched.charts.labels import TIME, compensator_label
from driftsched.charts.marks import Marks, add_marks
from driftsched.charts.theme import PALETTE, Look, category_colours
from driftsched.charts.traces import band, bars, dots, error_bar, level, line
from driftsched.results import confusion as size_confusion
from driftsched.results.tables import finished_rows

DRIFT = (
    "At 1 the estimate is right; above it answers are longer than estimated, and a good "
    "compensator brings the line back to 1."
)
WINDOWS = 120
BIAS = Look(
    "Learned bias",
    "bias",
    "Each line should settle where the faint dots, the measured ratios, lie; how soon it gets "
    "there is how fast the estimator learns.",
    TIME,
    "Bias (factor)",
)
POINTS, DOTS = 500, 150
ERRORS = (
    "The gap between no compensation and the oracle is all there is to win; look how much of it "
    "the learned bias wins; lines are 95 % intervals over the replications."
)
MEASURES = {
    "mae": ("Mean absolute error (MAE)", "low", "high"),
    "rmse": ("Root mean square error (RMSE)", "rmse_low", "rmse_high"),
}
SIZES = Look(
    "Size classes",
    "size-classes",
    "The diagonal is right; a dark cell off it shows which size is taken for which, for instance "
    "long answers treated as short.",
    "Estimated size",
    "Actual size",
)
SCALE = [(0.0, "#EAF1F7"), (0.5, "#5AA0CC"), (1.0, "#00497A")]


def drift(requests: pd.DataFrame, unit: str = "tokens", marks: Marks = ()) -> go.Figure:
    """Draw the moving median of actual over estimated output, with its P10 to P90 band.

    Requests that finished count, at the time they finished; `unit` of lengths is for the words.
    """
    look = Look("Token drift", "drift", DRIFT, TIME, f"Actual / estimated {unit} (ratio)")
    done = finished_rows(requests)
    if done.empty:
        return look.empty()
    done = done[done["estimated_output_tokens"] > 0].sort_values("finish_s", kind="stable")
    names = few(done["category"])
    colours = category_colours([*names_in(requests["category"]), *names_in(names)])
    traces: list[dict[str, Any]] = []
    for name in names_in(names):
        mine = done[names == name]
        ratio = mine["counted_output_tokens"] / mine["estimated_output_tokens"]
        ends = mine["finish_s"].to_numpy(np.float64), ratio.to_numpy(np.float64)
        traces += _median_and_band(name, colours[name], *windows(*ends))
    layout = {"yaxis": {"rangemode": "tozero"}, "shapes": [level()]}
    return add_marks(look.figure(traces, layout), marks)


def windows(time_s: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """Return the middle time and P10, P50, P90 of windows of equally many requests."""
    width = min(len(ratio), max(20, len(ratio) // 15))
    starts = np.unique(np.linspace(0, len(ratio) - width, WINDOWS).astype(int))
    middle = time_s[starts + width // 2]
    levels = [np.quantile(ratio[at : at + width], (0.1, 0.5, 0.9)) for at in starts]
    return middle, np.array(levels)


def _median_and_band(
    name: str, colour: str, time_s: Floats, levels: Floats
) -> list[dict[str, Any]]:
    low, middle, high = levels.T
    hover = "%{y:.2f} (P10 %{customdata[0]:.2f}, P90 %{customdata[1]:.2f})"
    mode = "lines" if len(time_s) > 1 else "markers"
    median = line(time_s, middle, name, colour, hover, legendgroup=name, mode=mode)
    ends = (time_s, low, high)
    return [
        band(name, f"{name} P10 to P90", colour, ends, opacity=0.09),
        median | {"customdata": levels[:, [0, 2]]},
    ]


def bias(learning: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw the bias of each category as it is learned, over faint measured values.

    `learning` has time_s, key (category as classified), measured_bias, bias; a long table is
    thinned out.
    """
    if learning.empty:
        return BIAS.empty("Nothing learned yet")
    keys = few(learning["key"])
    names = names_in(keys)
    every = keys.cat.categories if isinstance(keys.dtype, pd.CategoricalDtype) else names
    colours = category_colours(every)
    traces: list[dict[str, Any]] = []
    for name in names:
        mine = learning[keys == name]
        faint, steps = (mine.iloc[spread(len(mine), most)] for most in (DOTS, POINTS))
        x, y = faint["time_s"].to_numpy(), faint["measured_bias"].to_numpy()
        measured = dots(x, y, f"{name} measured", colours[name], None, marker={"size": 4})
        measured |= {"opacity": 0.35, "legendgroup": name, "showlegend": False}
        x, y = steps["time_s"].to_numpy(), steps["bias"].to_numpy()
        learned = line(x, y, name, colours[name], "%{y:.3f}", line={"shape": "hv"})
        traces += [measured, learned | {"legendgroup": name}]
    return add_marks(BIAS.figure(traces, {"shapes": [level()]}), marks)


def estimation_error(frame: pd.DataFrame, unit: str = "tokens") -> go.Figure:
    """Draw the mean absolute and the root mean square error of the output estimates.

    `frame` has compensator, mae, rmse; where known low and high, the interval of the mae, and
    rmse_low and rmse_high, that of the rmse. `unit` of lengths is for the words.
    """
    y = f"Error of the output estimate ({unit})"
    look = Look("Estimation error", "estimation-error", ERRORS, "Compensator", y)
    if frame.empty:
        return look.empty()
    names = [compensator_label(str(name)) for name in frame["compensator"]]
    text: dict[str, Any] = {
        "texttemplate": "%{y:.1f}",
        "textposition": "inside",
        "insidetextanchor": "start",
        "insidetextfont": {"color": "white", "size": 13},
    }
    traces = []
    for colour, (measure, (label, low, high)) in zip(PALETTE, MEASURES.items(), strict=False):
        heights = bars(names, frame[measure].to_numpy(np.float64), label, colour, "%{y:.2f}")
        error_y = error_bar(frame, measure, low, high, color="#9A9A9A")
        traces.append(heights | text | {"error_y": error_y})
    return look.figure(traces, {"barmode": "group", "bargap": 0.3})


def confusion(requests: pd.DataFrame) -> go.Figure:
    """Draw a heat map of estimated and actual size classes of finished requests.

    Each cell shows its number of requests and its share of its row, that is of the requests which
    really had that size.
    """
    if finished_rows(requests).empty:
        return SIZES.empty()
    counts = size_confusion(requests).T
    cells, names = counts.to_numpy(), counts.index.to_numpy(dtype=object)
    heat = {
        "type": "heatmap",
        "z": 100 * cells / np.maximum(cells.sum(axis=1, keepdims=True), 1),
        "x": names,
        "y": names,
        "text": np.array([[f"{count:,}" for count in row] for row in cells], dtype=object),
        "zmin": 0,
        "zmax": 100,
        "colorscale": SCALE,
        "xgap": 3,
        "ygap": 3,
        "colorbar": {"title": {"text": "Share of row (%)", "side": "right"}, "thickness": 12},
        "texttemplate": "%{text}<br>%{z:.1f} %",
        "hovertemplate": "actual %{y}, estimated %{x}<br>%{text} requests<br>"
        "%{z:.1f} % of actual %{y}<extra></extra>",
    }
    axes = {"xaxis": {"showgrid": False}, "yaxis": {"showgrid": False, "autorange": "reversed"}}
    return SIZES.figure([heat], {"margin": {"t": 56}} | axes, hover="closest")
