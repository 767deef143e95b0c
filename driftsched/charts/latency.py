"""How long requests take: distribution functions, histograms, percentiles, against load."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import Floats, names_in, values_of
from driftsched.charts.labels import metric_label, policy_label
from driftsched.charts.theme import PALETTE, SHARE_AXIS, Look, policy_colours, translucent
from driftsched.charts.traces import (
    CDF_MARKS,
    cdf,
    cdf_marks,
    dots,
    error_bar,
    level,
    line,
    line_with_band,
)
from driftsched.results.tables import finished_rows

DASHES = ("solid", "dash", "dot", "dashdot", "12px,4px")
SECONDS = "%{y:,.3~r} s"
CURVES = (
    "A curve further left is faster; compare the round marks for the usual request (P50) and the "
    "diamonds for the unlucky one (P99)."
)
CURVES_WITH_BANDS = (
    "A curve further left is faster; round marks are the usual request (P50), diamonds the unlucky "
    "one (P99); a band is the 95 % interval of the share of requests at each latency."
)
KNEES = (
    "Left of the diamond, the knee, more load costs little; right of it latency grows faster than "
    "the load; bands are 95 % intervals, the line through a diamond the loads that cannot be told "
    "from the knee"
)


def latency_cdf(requests_by_policy: Mapping[str, pd.DataFrame], metric: str = "e2e_s") -> go.Figure:
    """Draw the cumulative distribution of a latency for each policy.

    Of each policy's requests table those that finished count; `metric` is a column in seconds:
    e2e_s, ttft_s, tpot_s or queue_wait_s. Values of 0 are beyond the left end of the logarithmic
    axis.
    """
    colours = policy_colours(requests_by_policy)
    curves = {
        policy_label(policy): (requests, colours[policy], DASHES[place % len(DASHES)])
        for place, (policy, requests) in enumerate(requests_by_policy.items())
    }
    return distributions(distribution(metric, CURVES), curves, metric)


def runs_cdf(requests_by_run: Mapping[str, pd.DataFrame], metric: str = "e2e_s") -> go.Figure:
    """Draw the cumulative distribution of a latency for each run, by what it is called.

    Tables and `metric` are as in `latency_cdf`; names may be anything, and are shown as they are.
    """
    curves = {
        escape(name, quote=False): (
            requests,
            PALETTE[place % len(PALETTE)],
            DASHES[place % len(DASHES)],
        )
        for place, (name, requests) in enumerate(requests_by_run.items())
    }
    return distributions(distribution(metric, CURVES), curves, metric)


def distributions(
    look: Look,
    curves: Mapping[str, tuple[pd.DataFrame, str, str]],
    metric: str,
    marks: Mapping[float, str] = CDF_MARKS,
) -> go.Figure:
    """Draw the distribution functions of requests tables, each with its colour and dash."""
    values = {label: values_of(finished_rows(curve[0]), metric) for label, curve in curves.items()}
    values = {label: found for label, found in values.items() if len(found)}
    if not values:
        return look.empty()
    log_x = any(found[-1] > 0 for found in values.values())
    traces: list[dict[str, Any]] = []
    for label, found in values.items():
        traces += cdf(found, label, *curves[label][1:], marks, above_0=log_x)
    return look.figure(traces, {"yaxis": SHARE_AXIS}, hover="y unified", log_x=log_x)


def latency_bands(curves: pd.DataFrame, metric: str = "e2e_s") -> go.Figure:
    """Draw distributions over several replications, each with its band.

    `curves` has policy, share (0 to 1, ascending), value_s, low and high: shares between which the
    distribution function lies at value_s. `metric` is what value_s is, as in `latency_cdf`.
    """
    look = distribution(metric, CURVES_WITH_BANDS)
    if curves.empty:
        return look.empty()
    colours = policy_colours(names_in(curves["policy"]))
    log_x = bool((curves["value_s"] > 0).any())
    traces: list[dict[str, Any]] = []
    for place, (name, mine) in enumerate(curves.groupby("policy", sort=False, observed=True)):
        policy = str(name)
        label, colour = policy_label(policy), colours[policy]
        rows = mine[mine["value_s"] > 0] if log_x else mine
        x, *shares = (rows[name].to_numpy() for name in ("value_s", "share", "low", "high"))
        drawn = [x, *(100 * share for share in shares)]
        dash = DASHES[place % len(DASHES)]
        traces += line_with_band(policy, label, colour, drawn, "%{x:,.3~r} s", dash)
        traces[-1] |= {"hoverinfo": "x"}
        at = rows[rows["share"].isin(list(CDF_MARKS))]
        symbols = [CDF_MARKS[share] for share in at["share"]]
        x, y = at["value_s"].to_numpy(), 100 * at["share"].to_numpy()
        traces.append(cdf_marks(x, y, label, colour, symbols) | {"legendgroup": policy})
    return look.figure(traces, {"yaxis": SHARE_AXIS}, hover="y unified", log_x=log_x)


def distribution(metric: str, look_at: str) -> Look:
    """Words of a picture of distribution functions of a latency."""
    name = f"cdf-{metric.removesuffix('_s')}"
    return Look(
        "Latency distribution", name, look_at, metric_label(metric), "Share of requests (%)"
    )


def outline(edges: Floats, values: Floats, name: str, colour: str) -> dict[str, Any]:
    """Trace of a histogram: how many values lie in each bin."""
    counts = np.append(np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0], 0)
    said = "%{y:,} from %{x:,.3~r} s to %{customdata:,.3~r} s"
    steps = line(edges, counts, name, colour, said, line={"width": 2, "shape": "hv"})
    fill = {"fill": "tozeroy", "fillcolor": translucent(colour, 0.18)}
    return steps | fill | {"customdata": np.append(edges[1:], edges[-1])}


def load_sweep(
    frame: pd.DataFrame, percentile: float, metric: str = "e2e_s", now: float | None = None
) -> go.Figure:
    """Draw a percentile of latency against load, a line a policy with its band and its knee.

    `frame` has policy, utilisation, value_s, low_s, high_s, knee (bool, one row a policy at most),
    and where known knee_low and knee_high, the ends of the knee's interval. `percentile` and
    `metric` are for the words; `now` is a utilisation to mark, unless it lies beyond the others.
    """
    inside = now is not None and not frame.empty and now <= frame["utilisation"].max()
    load = "Offered load / capacity (ρ of the busiest phase)"
    said = KNEES + (", and the dashed line is the load as it is set now." if inside else ".")
    look = Look(f"P{percentile:g} against load", "load-sweep", said, load, metric_label(metric))
    rows = frame if frame.empty else frame[frame["value_s"].notna()]
    if rows.empty:
        return look.empty()
    colours = policy_colours(names_in(rows["policy"]))
    traces: list[dict[str, Any]] = []
    for name, mine in rows.groupby("policy", sort=False, observed=True):
        label, colour = policy_label(str(name)), colours[str(name)]
        columns = [mine[column].to_numpy() for column in ("utilisation", "value_s", "low_s")]
        columns.append(mine["high_s"].to_numpy())
        traces += line_with_band(str(name), label, colour, columns, SECONDS)
        knee = mine[mine["knee"]]
        x, y = knee["utilisation"].to_numpy(), knee["value_s"].to_numpy()
        mark = dots(x, y, f"{label}, knee", colour, None, marker={"symbol": "diamond", "size": 12})
        mark["error_x"] = error_bar(knee, "utilisation", "knee_low", "knee_high", width=5)
        traces.append(mark | {"legendgroup": str(name), "showlegend": False})
    shapes = [level(now, upright=True)] if now is not None and inside else []
    return look.figure(traces, {"shapes": shapes}, log_y=bool((rows["value_s"] > 0).all()))
