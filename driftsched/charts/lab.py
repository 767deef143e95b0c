"""The drift lab: estimates along a stream, how near they come, what better ones would change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts import theme
from driftsched.charts.frames import names_in, spread
from driftsched.charts.labels import compensator_label
from driftsched.charts.marks import Marks, add_marks
from driftsched.charts.theme import GREEN, NEUTRAL, Look, panel, panels
from driftsched.charts.traces import bars, dots, error_bar, level, line, line_with_band

COLOURS = {
    "none": theme.OLIVE,
    "ema": theme.BLUE,
    "log_ema": theme.SKY,
    "quantile": theme.PURPLE,
    "windowed_median": theme.ORANGE,
    "conformal": theme.CRIMSON,
    "kalman": theme.VIOLET,
    "fixed_share": theme.BROWN,
    "rls": theme.INDIGO,
    "hierarchical": theme.VERMILLION,
    "oracle": GREEN,
}
COURSE = Look(
    "Estimates along the stream",
    "lab-course",
    "Grey are the answers that drift touches, dashed what can be known of them: the sooner and the "
    "closer a line follows the better; a triangle is a detector's alarm.",
    "Request",
    "Length / category's base (ratio)",
)
FIGURES = Look(
    "How near estimates come",
    "lab-figures",
    "At 100 % of the EMA's excess error closed nothing is left to gain; bias is that of the mean "
    "estimate, the rest are the typical one's; bars are means over the streams, with 95 % "
    "intervals.",
)
SHOWN = {
    "closed": ("Excess closed (%)", 100),
    "change": ("Error against EMA (%)", 100),
    "back": ("Back after (requests)", 1),
    "bias": ("Bias (%)", 100),
    "wrong": ("Wrong size class (%)", 100),
    "alarms": ("Alarms a stream", 1),
}
"""Figure → title of its axis, and what it is multiplied by."""
POINTS = 600
OTHERS = {"today": "Today", "oracle": "Perfect"}


def lab_course(
    frame: pd.DataFrame, alarms: pd.DataFrame | None = None, marks: Marks = ()
) -> go.Figure:
    """Draw rolling medians of estimates and of answers along a stream.

    Parameters
    ----------
    frame : DataFrame
        request, name (a compensator's kind, actual, or known), value.
    alarms : DataFrame, optional
        The same columns, a row an alarm of a compensator's detector.
    marks : sequence of (float, str)
        Labelled vertical lines.
    """
    if frame.empty:
        return COURSE.empty("Nothing to follow yet")
    looks: dict[str, tuple[str, str, dict[str, Any]]] = {
        "actual": ("Answers", NEUTRAL, {"width": 6}),
        "known": ("What can be known", GREEN, {"dash": "dash"}),
    }
    traces = []
    for name in names_in(frame["name"]):
        mine = frame[frame["name"] == name]
        mine = mine.iloc[spread(len(mine), POINTS)]
        label, colour, look = looks.get(name) or (
            compensator_label(name),
            COLOURS.get(name, NEUTRAL),
            {},
        )
        traces.append(line(mine["request"], mine["value"], label, colour, "%{y:.2f}", line=look))
        at = None if alarms is None else alarms[alarms["name"] == name]
        if at is not None and len(at):
            shape = {"symbol": "triangle-down", "size": 11}
            raised = dots(at["request"], at["value"], label, colour, "alarm", marker=shape)
            traces.append(raised | {"showlegend": False})
    return add_marks(COURSE.figure(traces, {"yaxis": {"rangemode": "tozero"}}), marks)


def lab_figures(frame: pd.DataFrame) -> go.Figure:
    """Draw what is known of each compensator, a plot a figure.

    Parameters
    ----------
    frame : DataFrame
        compensator, then of `SHOWN` each with its ends in _low and _high; what is not known of
        any, or not finite, is left out.
    """
    if frame.empty:
        return FIGURES.empty("Nothing to compare yet")
    shown = [name for name in SHOWN if np.isfinite(frame[name]).any()]
    if "closed" in shown:
        shown.remove("change")
    names = [compensator_label(str(name)) for name in frame["compensator"]]
    colours = [COLOURS.get(str(name), NEUTRAL) for name in frame["compensator"]]
    traces = []
    for place, name in enumerate(shown):
        title, times = SHOWN[name]
        columns = [name, f"{name}_low", f"{name}_high"]
        rows = times * frame[columns].replace([np.inf, -np.inf], np.nan)
        drawn = bars(names, rows[name], title, "", "%{y:,.3~g}", showlegend=False)
        drawn |= {
            "marker": {"color": colours},
            "error_y": error_bar(rows, *columns, color="#9A9A9A"),
        }
        traces.append(drawn | panel(place))
    layout = panels([("", SHOWN[name][0]) for name in shown], shared_x=True, gap=0.06)
    layout |= {"bargap": 0.5}
    return FIGURES.figure(traces, layout, hover="closest", height=90 + 150 * len(shown))


def worth(frame: pd.DataFrame, what: str = "mean latency") -> go.Figure:
    """Draw what estimates of a certain quality change, against today's.

    Parameters
    ----------
    frame : DataFrame
        estimate, tau, change, change_low, change_high (relative), of one policy and measure.
    what : str
        What changes, for the words only.
    """
    look = Look(
        "What better estimates would change",
        "worth",
        "Today's estimate stands at 0: a dot whose 95 % interval leaves out 0 differs from it, "
        "and the line says what noise costs, from none at 1 to the left.",
        "Kendall's τ of estimated and actual lengths",
        f"Change of {what} (%)",
    )
    if frame.empty:
        return look.empty("Nothing to compare yet")
    names = frame["estimate"].astype(str)
    percent = 100 * frame[["change", "change_low", "change_high"]]
    noisy = names.str.startswith(("τ", "σ", "oracle")).to_numpy()
    order = np.argsort(frame["tau"].to_numpy()[noisy])
    columns = [c.to_numpy()[noisy][order] for _, c in frame[["tau"]].join(percent).items()]
    traces = line_with_band("noise", "Noisy oracle", NEUTRAL, columns, "%{y:+.3~g} %")
    for place, name in enumerate(names):
        if name.startswith(("τ", "σ")):
            continue
        row, tau = percent.iloc[[place]], frame["tau"].iloc[[place]]
        label = OTHERS.get(name) or compensator_label(name)
        colour = theme.ORANGE if name == "today" else COLOURS.get(name, NEUTRAL)
        dot = dots(tau, row["change"], label, colour, "%{y:+.3~g} %", marker={"size": 11})
        ends = error_bar(row, "change", "change_low", "change_high", color=colour)
        traces.append(dot | {"error_y": ends})
    return look.figure(traces, {"shapes": [level(0)]}, hover="closest")
