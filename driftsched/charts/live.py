"""A live run beside its simulation, and how well the fitted cost explains its engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import spread
from driftsched.charts.labels import TIME, metric_label, policy_label
from driftsched.charts.latency import distributions
from driftsched.charts.queues import queue_steps
from driftsched.charts.theme import BLUE, NEUTRAL, ORANGE, Look, policy_colours
from driftsched.charts.traces import DASHED, dots, line

CURVES = (
    "Where the two curves lie on each other the simulation can be trusted; look at the diamonds, "
    "the unlucky one in a hundred, first."
)
POLICIES = (
    "The live curve is what was; the others are what the same requests would have seen under "
    "another policy, on the calibrated engine."
)
QUEUES = Look(
    "Queue depth, live and simulated",
    "twin-queues",
    "A gap that grows with time means that the simulated engine is too fast or slow.",
    TIME,
    "Waiting requests",
)
CALIBRATION = Look(
    "Fit of the cost model",
    "calibration",
    "Marks on the line are predicted exactly; a cloud beside it is a kind of iteration that the "
    "cost model does not know.",
    "Predicted, an iteration (ms)",
    "Measured, an iteration (ms)",
)
MARKS = {0.5: "circle", 0.9: "square", 0.99: "diamond"}
KINDS = {"decoding only": BLUE, "with prompts": ORANGE}
POINTS = 2000
LIVE, TWIN = "live", "simulated"


def twin(live: pd.DataFrame, simulated: pd.DataFrame, metric: str = "e2e_s") -> go.Figure:
    """Draw both cumulative distributions of a latency, with P50, P90 and P99 marked.

    Both are requests tables; `metric` is a column in seconds: e2e_s, ttft_s, tpot_s or
    queue_wait_s.
    """
    curves = {LIVE: (live, BLUE, "solid"), TWIN: (simulated, ORANGE, "dash")}
    return distributions(_look("Live and simulated", "twin", CURVES, metric), curves, metric, MARKS)


def twin_policies(
    live: pd.DataFrame, by_policy: Mapping[str, pd.DataFrame], metric: str = "e2e_s"
) -> go.Figure:
    """Draw what was beside what would have been: the live curve and one a policy.

    All are requests tables, `by_policy` those of the simulations; `metric` is a column in seconds.
    """
    colours = policy_colours(by_policy)
    curves = {
        policy_label(policy): (requests, colours[policy], "dash")
        for policy, requests in by_policy.items()
    }
    curves[LIVE] = (live, NEUTRAL, "solid")
    look = _look("What would it have been", "twin-policies", POLICIES, metric)
    return distributions(look, curves, metric, MARKS)


def _look(title: str, filename: str, look_at: str, metric: str) -> Look:
    name = f"{filename}-{metric.removesuffix('_s')}"
    return Look(title, name, look_at, metric_label(metric), "Share of requests (%)")


def twin_queues(curves: pd.DataFrame) -> go.Figure:
    """Draw the waiting requests of both over time; `curves` has time_s, live, twin."""
    if curves.empty:
        return QUEUES.empty()
    time_s, live, simulated = (
        curves[column].to_numpy(np.float64) for column in ("time_s", "live", "twin")
    )
    traces = [
        queue_steps(LIVE, BLUE, time_s, live),
        queue_steps(TWIN, ORANGE, time_s, simulated, dash="dash"),
    ]
    return QUEUES.figure(traces, {"yaxis": {"rangemode": "tozero"}})


def calibration(residuals: pd.DataFrame) -> go.Figure:
    """Draw each stretch of iterations: measured time an iteration against the predicted one.

    `residuals` are those of a `Calibration`: seconds, predicted_s, iterations, requests, kv_tokens,
    prompts.
    """
    if residuals.empty:
        return CALIBRATION.empty("No observations yet")
    rows = residuals.iloc[spread(len(residuals), POINTS)]
    per = 1e3 / rows["iterations"].to_numpy(np.float64)
    predicted, seen = rows["predicted_s"].to_numpy() * per, rows["seconds"].to_numpy() * per
    prompts = (rows["prompts"] > 0).to_numpy()
    said = (
        "%{y:.3g} ms, predicted %{x:.3g} ms<br>%{customdata[0]:.0f} requests, "
        "%{customdata[1]:.0f} tokens of cache, %{customdata[2]:.0f} iterations<extra></extra>"
    )
    traces = []
    for (kind, colour), mine in zip(KINDS.items(), (~prompts, prompts), strict=True):
        numbers = rows.loc[mine, ["requests", "kv_tokens", "iterations"]].to_numpy()
        look = {"size": 6, "opacity": 0.7}
        marks = dots(predicted[mine], seen[mine], kind, colour, said, marker=look)
        traces.append(marks | {"customdata": numbers})
    low, high = (float(side(np.concatenate([predicted, seen]))) for side in (np.min, np.max))
    traces.append(line([low, high], [low, high], "as predicted", NEUTRAL, None, line=DASHED))
    return CALIBRATION.figure(traces, hover="closest", log_x=low > 0, log_y=low > 0)
