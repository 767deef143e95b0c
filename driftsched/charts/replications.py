"""What several replications say together: means over time with intervals, published claims."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import names_in
from driftsched.charts.labels import TIME, policy_label
from driftsched.charts.marks import Marks, add_marks
from driftsched.charts.theme import (
    PALETTE,
    VERMILLION,
    Look,
    category_colours,
    panel,
    panels,
    policy_colours,
    tenant_colours,
)
from driftsched.charts.traces import dots, error_bar, level, line_with_band

MEANS = (
    "A line is the mean over the replications, its band the 95 % interval at each time (Student's "
    "t); lines whose bands do not touch differ."
)
DRIFT = (
    "At 1 the estimate is right; above it answers are longer than estimated, and good compensation "
    "brings the line back to 1; bands are 95 % intervals of the mean."
)
BIAS = (
    "What an arriving request's base length is multiplied by: each line should settle where "
    "answers really lie beside their base length, and soon."
)

CLAIMS = Look(
    "Published and here",
    "claims",
    "Bars are 95 % intervals; when a claim holds stands under assumptions.",
    "Change (%)",
    "",
)
SENSITIVITIES = Look(
    "One assumption at a time",
    "claims-by-assumption",
    "A dot is our change with its 95 % interval, the dashed line of its colour the published one: "
    "an assumption matters where its dots leave those of the first row.",
)


def queue_bands(frame: pd.DataFrame, marks: Marks = (), *, by: str = "policy") -> go.Figure:
    """Draw waiting requests over time, a line a policy or a tenant (`by`).

    `frame` has name, time_s, mean, low, high.
    """
    name = f"queue-depth-by-{by}"
    look = Look(f"Queue depth by {by}", name, MEANS, TIME, "Waiting requests")
    if by == "tenant":
        return bands(frame, look, tenant_colours, "%{y:,.0f}", marks)
    return bands(frame, look, policy_colours, "%{y:,.0f}", marks, label=policy_label)


def drift_bands(frame: pd.DataFrame, unit: str = "tokens", marks: Marks = ()) -> go.Figure:
    """Draw actual over estimated length over time, a line a category; columns as `queue_bands`."""
    look = Look("Token drift", "drift", DRIFT, TIME, f"Actual / estimated {unit} (ratio)")
    return bands(frame, look, category_colours, "%{y:.2f}", marks, shapes=[level()])


def bias_bands(frame: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw the bias that requests were estimated with, a line a category; as `queue_bands`."""
    look = Look("Learned bias", "bias", BIAS, TIME, "Bias (factor)")
    return bands(frame, look, category_colours, "%{y:.2f}", marks, shapes=[level()])


def bands(
    frame: pd.DataFrame,
    look: Look,
    colours: Callable[[Iterable[str]], dict[str, str]],
    hover: str,
    marks: Marks = (),
    *,
    label: Callable[[str], str] = str,
    shapes: Sequence[dict[str, Any]] = (),
) -> go.Figure:
    """Draw a line with a band for each name.

    `frame` has name, time_s, mean, low, high; ends of NaN draw no band. `colours` are those of the
    names, `label` is what the legend says of one, `hover` plotly's format of a value.
    """
    if frame.empty:
        return look.empty()
    traces: list[dict[str, Any]] = []
    colour = colours(names_in(frame["name"]))
    for name, mine in frame.groupby("name", sort=False, observed=True):
        columns = [mine[column].to_numpy() for column in ("time_s", "mean", "low", "high")]
        traces += line_with_band(str(name), label(str(name)), colour[str(name)], columns, hover)
    layout = {"yaxis": {"rangemode": "tozero"}, "shapes": list(shapes)}
    return add_marks(look.figure(traces, layout), marks)


def claims(frame: pd.DataFrame) -> go.Figure:
    """Draw a row a claim: the published change and ours, with an error bar.

    `frame` has claim (text), published_percent, ours_percent, low, high: changes in percent and the
    ends of the interval of ours, NaN where unknown. The first row is drawn on top.
    """
    if frame.empty:
        return CLAIMS.empty("No claims to check yet")
    wrapper = textwrap.TextWrapper(32, break_long_words=False, break_on_hyphens=False)
    labels = np.array(["<br>".join(wrapper.wrap(str(c))) for c in frame["claim"]], dtype=object)
    said = "%{x:+.1f} %"
    x = frame["ours_percent"].to_numpy(np.float64)
    here = dots(x, labels, "Here", PALETTE[0], said, marker={"size": 11})
    here["error_x"] = error_bar(frame, "ours_percent", width=5)
    x = frame["published_percent"].to_numpy(np.float64)
    look = {"size": 12, "symbol": "diamond-open", "line": {"width": 2}}
    there = dots(x, labels, "Published", VERMILLION, said, marker=look)
    layout = {"shapes": [level(0, upright=True)], "yaxis": {"autorange": "reversed"}}
    height = 170 + 30 * len(labels) + 14 * sum(label.count("<br>") for label in labels)
    return CLAIMS.figure([here, there], layout, hover="y unified", height=height)


def sensitivities(frame: pd.DataFrame) -> go.Figure:
    """Draw the published claims, two a plot: a row an assumption, a line at what was published.

    Parameters
    ----------
    frame : DataFrame
        assumption, claim (up to four), published_percent, ours_percent, low, high, in percent. The
        first assumption is drawn on top.
    """
    if frame.empty:
        return SENSITIVITIES.empty("No claims to check yet", x=CLAIMS.x)
    rows = names_in(frame["assumption"])
    grid = panels([("", ""), (str(CLAIMS.x), "")], shared_x=True, gap=0.06)
    for axis in ("yaxis", "yaxis2"):
        ticks = {"tickvals": [*range(len(rows))], "ticktext": rows}
        grid[axis] |= ticks | {"range": [len(rows) - 0.5, -0.5], "title": {"text": ""}}
    traces, shapes = [], []
    for place, (claim, mine) in enumerate(frame.groupby("claim", sort=False)):
        axes, colour = panel(place // 2), PALETTE[place]
        at = mine["assumption"].map(rows.index).to_numpy() + (-0.13, 0.13)[place % 2]
        said = f"%{{x:+.1f}} % {claim}<extra>%{{text}}</extra>"
        drawn = dots(mine["ours_percent"], at, str(claim), colour, said, **axes)
        traces.append(
            drawn | {"error_x": error_bar(mine, "ours_percent"), "text": [*mine["assumption"]]}
        )
        published = level(float(mine["published_percent"].iloc[0]), upright=True)
        line = published["line"] | {"color": colour}
        shapes.append(
            published | {"line": line, "xref": axes["xaxis"], "yref": f"{axes['yaxis']} domain"}
        )
    height = 150 + 50 * len(rows)
    return SENSITIVITIES.figure(
        traces,
        grid | {"shapes": shapes, "legend": {"xref": "container"}},
        hover="closest",
        height=height,
    )
