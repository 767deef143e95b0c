"""The traffic before a run: arrivals, lengths, and fits to a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import Floats, few, log_edges, names_in, spread, values_of
from driftsched.charts.labels import TIME
from driftsched.charts.marks import Marks, add_marks
from driftsched.charts.theme import (
    NEUTRAL,
    Look,
    category_colours,
    panel,
    panels,
    tenant_colours,
    translucent,
)
from driftsched.charts.traces import line

ARRIVALS = Look(
    "Arrivals",
    "arrivals",
    "The top of the stack is the total load; look for bursts, and for who causes them.",
    TIME,
    "Arrival rate (requests/s)",
)
ARRIVAL_POINTS = 300
LENGTHS = Look(
    "Lengths",
    "lengths",
    "The dotted lines are the budgets at admission; a hump to the right of its own line is drift "
    "that the estimator has to learn; dashed outlines are lengths once drift events have begun.",
)
LENGTH_ROWS = {"output_tokens": "Output length (tokens)", "prompt_tokens": "Prompt length (tokens)"}
BINS = 60
LENGTH_SHARE = "Share of category (%)"
FIT = Look(
    "Fit against data",
    "fit",
    "Where a dotted line (the fit) parts from its solid one (the trace), the fitted scenario will "
    "not behave like the trace; the KS distance is the widest gap between the two.",
)
FIT_ROWS = {
    "gap": "Gap (expected arrivals)",
    "prompt_tokens": "Prompt length (tokens)",
    "output_tokens": "Output length (tokens)",
}
FIT_POINTS = 400
"""Of one curve; more cannot be told apart."""
FIT_SHARE = "Share at most so long (%)"


def arrivals(frame: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw arrival rates over time, stacked by tenant.

    `frame` has time_s, tenant, rate_rps (requests a second), the same times for each tenant. Over
    300 times become as many means.
    """
    if frame.empty:
        return ARRIVALS.empty("No arrivals")
    tenants = few(frame["tenant"])
    rates = frame.assign(tenant=tenants).pivot_table(
        index="time_s", columns="tenant", values="rate_rps", aggfunc="sum", observed=True
    )
    rates = rates.fillna(0.0)
    if len(rates) > ARRIVAL_POINTS:
        group = np.arange(len(rates)) * ARRIVAL_POINTS // len(rates)
        times = pd.Series(rates.index.to_numpy()).groupby(group).mean()
        rates = rates.groupby(group).mean().set_index(times)
    time_s = rates.index.to_numpy(np.float64)
    traces = []
    for name, colour in tenant_colours(names_in(tenants)).items():
        look = {"width": 1, "shape": "hvh"}
        area = line(time_s, rates[name].to_numpy(np.float64), name, colour, "%{y:.2f}", line=look)
        traces.append(area | {"stackgroup": "all", "fillcolor": translucent(colour, 0.55)})
    return add_marks(ARRIVALS.figure(traces), marks)


def lengths(frame: pd.DataFrame, drifted: pd.DataFrame | None = None) -> go.Figure:
    """Draw histograms of output and of prompt lengths, one outline a category.

    `frame` has category, prompt_tokens, output_tokens, base_tokens, one row a request; `drifted`
    the same of requests under drift: dashed outlines. The bins are logarithmic.
    """
    if frame.empty:
        return LENGTHS.empty("No requests", x=LENGTH_ROWS["output_tokens"], y=LENGTH_SHARE)
    categories = few(frame["category"])
    colours = category_colours(names_in(categories))
    traces: list[dict[str, Any]] = []
    for row, column in enumerate(LENGTH_ROWS):
        both = frame if drifted is None else pd.concat([frame, drifted])
        edges = log_edges(values_of(both, column), BINS)
        for name, colour in colours.items():
            values = values_of(frame[categories == name], column)
            traces.append(_outline(name, colour, edges, values, row))
            later = None if drifted is None else drifted[drifted["category"] == name]
            if later is not None and len(later):
                values = values_of(later, column)
                traces.append(_outline(name, colour, edges, values, row, later=True))
        if row == 0:
            highest = max(float(trace["y"].max()) for trace in traces)
            for name, colour in colours.items():
                bases = frame.loc[categories == name, "base_tokens"].unique()
                if len(bases) == 1:
                    traces.append(_budget(name, colour, float(bases[0]), highest))
    layout = panels([(label, LENGTH_SHARE) for label in LENGTH_ROWS.values()], gap=0.2)
    layout["xaxis"] |= {"dtick": "D2"}  # 1, 2, 5: every unit's label would touch the next
    for axis in ("yaxis", "yaxis2"):
        layout[axis] |= {"rangemode": "tozero"}
    return LENGTHS.figure(traces, layout, hover="x", log_x=True, height=560)


def _outline(
    name: str, colour: str, edges: Floats, values: Floats, row: int, *, later: bool = False
) -> dict[str, Any]:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    shares = np.append(100.0 * counts / max(len(values), 1), 0)
    look = {"width": 2, "shape": "hv", "dash": "dash" if later else "solid"}
    label = f"{name}, drifted" if later else name
    outline = line(edges, shares, label, colour, "%{y:.1f} % from %{x:,.0f} tokens", line=look)
    shown = {"legendgroup": name, "showlegend": row == 0 and not later} | panel(row)
    fill = {"fill": "none" if later else "tozeroy", "fillcolor": translucent(colour, 0.18)}
    return outline | shown | fill


def _budget(name: str, colour: str, base: float, height: float) -> dict[str, Any]:
    said, look = "%{x:,.0f} tokens budgeted", {"dash": "dot"}
    upright = line([base, base], [0, height], f"{name} budget", colour, said, line=look)
    return upright | {"legendgroup": name, "showlegend": False} | panel(0)


def fit(curves: pd.DataFrame) -> go.Figure:
    """Draw the distribution functions of a trace and of what was fitted to it.

    `curves` are those of `TraceFit.curves`: quantity (gap, prompt_tokens, output_tokens), category,
    value, data_share, fit_share, ks.
    """
    if curves.empty:
        return FIT.empty("Nothing fitted", x=FIT_ROWS["gap"], y=FIT_SHARE)
    categories = few(curves.loc[curves["quantity"] != "gap", "category"])
    colours = category_colours(names_in(categories))
    traces: list[dict[str, Any]] = []
    for row, quantity in enumerate(FIT_ROWS):
        mine = curves[curves["quantity"] == quantity]
        for name in names_in(mine["category"]):
            colour = NEUTRAL if quantity == "gap" else colours.get(name)
            if colour is not None:
                traces += _pair(mine[mine["category"] == name], name or "gaps", colour, row)
    layout = panels([(label, FIT_SHARE) for label in FIT_ROWS.values()], gap=0.12)
    for axis in ("yaxis", "yaxis2", "yaxis3"):
        layout[axis] |= {"range": [0, 102]}
    return FIT.figure(traces, layout, hover="x", log_x=True, height=760)


def _pair(curve: pd.DataFrame, name: str, colour: str, row: int) -> list[dict[str, Any]]:
    positive = curve[curve["value"] > 0]
    shown = positive.iloc[spread(len(positive), FIT_POINTS)]
    ks = float(curve["ks"].iloc[0])
    more = {"legendgroup": name, "showlegend": row != 2} | panel(row)
    return [
        line(
            shown["value"],
            100 * shown[column],
            label,
            colour,
            "%{y:.1f} % at most %{x:,.3g}",
            line={"width": 2, "dash": dash},
            **more,
        )
        for column, dash, label in (
            ("data_share", "solid", f"{name}, trace"),
            ("fit_share", "dot", f"{name}, fit (KS {ks:.3f})"),
        )
    ]
