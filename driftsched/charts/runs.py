"""Any runs in one picture: latency, tenants, queues, drift, fairness, changes to a baseline.

A run has its policy's colour; the second of a policy has another colour and another dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.by_tenant import fairness, tenants
from driftsched.charts.estimation import windows
from driftsched.charts.frames import MAX_SERIES, Floats
from driftsched.charts.labels import TIME
from driftsched.charts.latency import CURVES, DASHES, distribution, distributions
from driftsched.charts.queues import queue_steps, total
from driftsched.charts.theme import Look, policy_colours
from driftsched.charts.traces import dots, error_bar, level, line
from driftsched.results import RunResult
from driftsched.results.fairness import competition_in
from driftsched.results.tables import finished_rows
from driftsched.results.wording import number

Runs = Mapping[str, RunResult]
"""Runs by name; names may be anything, and are shown as they are."""
QUEUES = Look(
    "Waiting requests",
    "runs-queues",
    "All runs on one time axis: where a line lies higher, more requests wait at that moment.",
    TIME,
    "Waiting requests",
)
DRIFT = Look(
    "Error of the estimates over time",
    "runs-drift",
    "At 1 estimates are right; the line that comes back to 1 sooner learns faster.",
    TIME,
    "Actual / estimated (ratio)",
)
CHANGES = Look(
    "Change to the baseline",
    "runs-changes",
    "Left of the dashed line it is less than under the baseline; a line through a mark is the 95 % "
    "interval of the change, and one that crosses 0 tells no difference.",
    "Change to the baseline (%)",
    "Requests of",
)


def run_colours(runs: Runs) -> dict[str, str]:
    """Colour of each run: its policy's, but for a policy's second run and those after it."""
    keys: dict[str, str] = {}
    for name, run in runs.items():
        kind = run.scenario.policy.kind
        keys[name] = f"run {name}" if kind in keys.values() else kind
    colours = policy_colours(keys.values())
    return {name: colours[key] for name, key in keys.items()}


def _shown(name: str) -> str:
    return escape(name, quote=False)


def runs_latency(runs: Runs, metric: str = "e2e_s") -> go.Figure:
    """Draw the cumulative distribution of a latency of each run; `metric` as in `latency_cdf`."""
    colours = run_colours(runs)
    curves = {
        _shown(name): (run.requests, colours[name], DASHES[place % len(DASHES)])
        for place, (name, run) in enumerate(runs.items())
    }
    return distributions(distribution(metric, CURVES), curves, metric)


def runs_tenants(runs: Runs, metric: str = "e2e_s") -> go.Figure:
    """Draw a box for each tenant and run, as `tenants` does."""
    colours = {_shown(name): colour for name, colour in run_colours(runs).items()}
    return tenants({_shown(name): run.requests for name, run in runs.items()}, metric, colours)


def runs_queues(runs: Runs) -> go.Figure:
    """Draw how many requests wait in each run, over one time axis."""
    colours = run_colours(runs)
    traces = [
        queue_steps(
            _shown(name), colours[name], *total(run.queues), dash=DASHES[place % len(DASHES)]
        )
        for place, (name, run) in enumerate(runs.items())
        if len(run.queues)
    ]
    if not traces:
        return QUEUES.empty("No requests yet")
    return QUEUES.figure(traces, {"yaxis": {"rangemode": "tozero"}})


def runs_drift(runs: Runs) -> go.Figure:
    """Draw the moving median of actual over estimated length of each run, over one time axis."""
    colours = run_colours(runs)
    traces: list[dict[str, Any]] = []
    for place, (name, run) in enumerate(runs.items()):
        done = finished_rows(run.requests)
        if done.empty:
            continue
        done = done[done["estimated_output_tokens"] > 0].sort_values("finish_s", kind="stable")
        ratio = done["counted_output_tokens"] / done["estimated_output_tokens"]
        ends: tuple[Floats, Floats] = (
            done["finish_s"].to_numpy(np.float64),
            ratio.to_numpy(np.float64),
        )
        middle, levels = windows(*ends)
        dash = {"dash": DASHES[place % len(DASHES)]}
        traces.append(
            line(middle, levels[:, 1], _shown(name), colours[name], "%{y:.2f}", line=dash)
        )
    if not traces:
        return DRIFT.empty()
    return DRIFT.figure(traces, {"yaxis": {"rangemode": "tozero"}, "shapes": [level()]})


def runs_fairness(runs: Runs) -> go.Figure:
    """Draw what each tenant gets per weight while tenants compete, in each run."""
    rows, gaps = [], {}
    for name, run in runs.items():
        if run.requests.empty:
            continue
        share, gap = competition_in(run)
        gaps[_shown(name)] = number(float(f"{gap:.3g}"))
        rows += [
            (_shown(name), tenant, one)
            for tenant, one in zip(run.scenario.tenant_names[:MAX_SERIES], share, strict=False)
            if np.isfinite(one)
        ]
    table = pd.DataFrame(rows, columns=["policy", "tenant", "normalised_share"])
    return fairness(table, gaps, str)


def changes(table: pd.DataFrame, metric: str, said: str, runs: Mapping[str, str]) -> go.Figure:
    """Draw the change of a metric against the baseline, by group, with its interval.

    `table` has run, scope, name, metric, change, change_low and change_high, as
    `SideBySide.table`; `said` is what the metric is called, and `runs` the colours of the runs to
    draw.
    """
    look = Look(f"{CHANGES.title}: {said}", CHANGES.filename, CHANGES.look_at, CHANGES.x, CHANGES.y)
    if table.empty:
        return look.empty("No difference is known")
    rows = table[(table["metric"] == metric) & table["run"].isin(list(runs))]
    rows = rows[rows["change"].notna()]
    if rows.empty:
        return look.empty("No difference is known")
    groups = list(dict.fromkeys(rows["name"]))[::-1]
    traces = []
    for place, (name, colour) in enumerate(runs.items()):
        mine = rows[rows["run"] == name]
        percent = 100 * mine[["change", "change_low", "change_high"]].astype(np.float64)
        shift = ((len(runs) - 1) / 2 - place) * 0.6 / max(len(runs), 2)
        y = np.array([groups.index(group) + shift for group in mine["name"]])
        more: dict[str, Any] = {"marker": {"size": 9}}
        more["customdata"] = mine["name"].to_numpy(dtype=object)
        more["error_x"] = error_bar(percent, "change", "change_low", "change_high")
        hover = "%{customdata}: %{x:+,.3~r} %"
        traces.append(dots(percent["change"].to_numpy(), y, _shown(name), colour, hover, **more))
    ticks = {"tickvals": list(range(len(groups))), "ticktext": groups, "zeroline": False}
    layout = {"yaxis": ticks, "shapes": [level(0, upright=True)]}
    return look.figure(traces, layout, hover="closest", height=260 + 28 * len(groups))
