"""What the live view is given: a run's figures with all they show in the end, and when it came.

The browser cuts them at any moment, without the server. Everything over time is sampled at the same
instants; latencies come with the time at which each became known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from driftsched.charts.frames import MAX_SERIES, OTHERS, Floats, log_edges, spread
from driftsched.charts.labels import TIME
from driftsched.charts.latency import outline
from driftsched.charts.marks import Marks, mark_parts
from driftsched.charts.theme import (
    NEUTRAL,
    PALETTE,
    SHARE_AXIS,
    Look,
    category_colours,
    tenant_colours,
)
from driftsched.charts.traces import level, line

DRIFT_WINDOW = 20
"""Requests in the moving mean of actual / estimated."""
POINTS = 600
LATENCIES = 4000
"""Evenly sampled in order of finish."""
STEP_S = 0.5
SHARES = np.linspace(0, 1, 121)
"""Of the latencies' distribution, at the end; where its curve has its points."""
TIMES = ("arrival_s", "dispatch_s", "finish_s", "time_s")
TABLES = ("requests", "queues", "gpus", "learning")
MARGIN = {"l": 44, "r": 14, "t": 18, "b": 34}
NAMED = {
    "queue": ("Queue depth by tenant", "Waiting requests"),
    "running": ("Running requests and KV cache used", "Running requests"),
    "drift": ("Drift and bias by category", "Bias; actual / estimated (dotted)"),
    "histogram": ("End-to-end latency", "Requests"),
    "cdf": ("End-to-end latency", "Share of requests (%)"),
}
"""Title and unit of each figure, which stand beside it on the page and in its image."""
ENDS = {
    "finished": ("finished",),
    "failed": ("failed", "timed_out", "cancelled"),
    "rejected": ("rejected",),
}
Figure = dict[str, Any]


def live_message(
    run_id: str,
    title: str,
    tables: Mapping[str, pd.DataFrame],
    *,
    marks: Marks = (),
    now_s: float | None = None,
    done: bool = True,
) -> dict[str, Any]:
    """Put a run, or what there is of it so far, into figures.

    Parameters
    ----------
    run_id, title : str
        Another id makes the view start afresh; the title is read out as its name.
    tables : mapping of str to DataFrame
        The run's requests, queues, gpus and learning tables; any may be empty or missing.
    marks : sequence of (float, str)
        Vertical lines: seconds, label.
    now_s : float, optional
        Seconds since the start of a live run; without it the run is a recorded one.
    done : bool
        Nothing follows.

    Returns
    -------
    dict
        id, title, live, done, duration, time_s (the instants that all is sampled at), counts (name
        → a number at each instant), tenants (the same of each, where it is not always 0), figures
        (queue, running, drift, histogram, cdf), latency (tenant → finish_s, e2e_s).
    """
    rows = {name: tables.get(name, pd.DataFrame()) for name in TABLES}
    recorded = now_s is None
    end_s = _end_s(rows) if now_s is None else now_s
    grid = _grid(end_s, recorded)
    folded = _folding(rows["requests"], rows["queues"])
    colours = tenant_colours(folded) | {OTHERS: NEUTRAL}
    waiting, running = _queues(rows["queues"], folded, grid)
    latency = _latency(rows["requests"], folded)
    span = (end_s, recorded, marks)
    tenants = {
        name: {"waiting": waiting[name], "running": running[name]}
        | _ended(rows["requests"], [one for one, drawn in folded.items() if drawn == name], grid)
        for name in waiting
    }
    nothing = np.zeros(len(grid))
    counts = {
        count: np.sum([nothing, *(levels[count] for levels in tenants.values())], axis=0)
        for count in ("waiting", "running", *ENDS)
    }
    figures = {
        "queue": _queue(waiting, colours, span),
        "running": _running(counts["running"], _kv_share(rows["gpus"], grid), span),
        "drift": _drift(grid, rows, span),
        "histogram": _histogram(latency, colours, recorded),
        "cdf": _cdf(latency, colours),
    }
    return {
        "id": run_id,
        "title": title,
        "live": not recorded,
        "done": done,
        "duration": end_s,
        "time_s": grid,
        "counts": counts,
        "tenants": {
            group_of(name): {count: values for count, values in levels.items() if values.any()}
            for name, levels in tenants.items()
        },
        "figures": figures,
        "latency": {group_of(name): values for name, values in latency.items()},
    }


# ---------------------------------------------------------------------------------- over time


def _end_s(rows: Mapping[str, pd.DataFrame]) -> float:
    """Return the last instant that any table tells of."""
    columns = [frame[name] for frame in rows.values() for name in TIMES if name in frame]
    ends = [float(column.max()) for column in columns if len(column)]
    return max((end for end in ends if math.isfinite(end)), default=0.0)


def _grid(end_s: float, recorded: bool) -> Floats:
    """Instants up to the end; those of a run that grows stay where they are."""
    if recorded:
        return np.linspace(0.0, end_s, POINTS) if end_s > 0 else np.zeros(1)
    doubled = math.ceil(math.log2(max(end_s / STEP_S / (2 * POINTS), 1.0)))
    step_s = STEP_S * 2**doubled
    grid: Floats = np.arange(math.floor(end_s / step_s) + 1) * step_s
    return grid


def _held(frame: pd.DataFrame, column: str, grid: Floats, before: float = 0.0) -> Floats:
    """Sample a step function: the last level at or before each instant, `before` the first."""
    place = np.searchsorted(_floats(frame, "time_s"), grid, side="right")
    levels: Floats = np.concatenate(([before], _floats(frame, column)))
    return levels[place]


def _floats(frame: pd.DataFrame, column: str) -> Floats:
    values: Floats = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def _folding(requests: pd.DataFrame, queues: pd.DataFrame) -> dict[str, str]:
    """Tenant → the name it is drawn under.

    The first tenants keep theirs, not the busiest: the choice must not change while a run grows.
    """
    found = [_names(frame["tenant"]) for frame in (requests, queues) if "tenant" in frame]
    names = list(dict.fromkeys(name for group in found for name in group))
    kept = names if len(names) <= MAX_SERIES else names[: MAX_SERIES - 1]
    return {name: name if name in kept else OTHERS for name in names}


def _names(column: pd.Series[Any]) -> list[str]:
    """All names of a column, in their categorical order, else in order of appearance."""
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    return [str(name) for name in (column.cat.categories if categorical else column.unique())]


def _queues(
    queues: pd.DataFrame, folded: Mapping[str, str], grid: Floats
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    waiting, running = ({name: np.zeros(len(grid)) for name in folded.values()} for _ in range(2))
    if not queues.empty:
        for name, mine in queues.groupby(queues["tenant"].astype(str), sort=False):
            waiting[folded[str(name)]] += _held(mine, "waiting", grid)
            running[folded[str(name)]] += _held(mine, "running", grid)
    return waiting, running


def _kv_share(gpus: pd.DataFrame, grid: Floats) -> Floats | None:
    if gpus.empty or not {"kv_used_tokens", "kv_capacity_tokens"} <= set(gpus.columns):
        return None
    known = gpus[gpus["kv_used_tokens"].notna() & (gpus["kv_capacity_tokens"] > 0)]
    if known.empty:
        return None
    used, capacity = (
        np.sum([_held(mine, column, grid) for _, mine in known.groupby("replica")], axis=0)
        for column in ("kv_used_tokens", "kv_capacity_tokens")
    )
    share: Floats = np.divide(used, capacity, out=np.zeros(len(grid)), where=capacity > 0)
    return share


def _ended(requests: pd.DataFrame, tenants: Sequence[str], grid: Floats) -> dict[str, Floats]:
    """Count the requests that ended by each instant; a rejected one ends as it arrives."""
    found = {}
    for count, statuses in ENDS.items():
        ends = np.empty(0)
        if not requests.empty:
            mine = requests["status"].isin(statuses) & requests["tenant"].astype(str).isin(tenants)
            at = "arrival_s" if count == "rejected" else "finish_s"
            ends = np.sort(_floats(requests[mine], at))
        ends = ends[np.isfinite(ends)]
        found[count] = np.searchsorted(ends, grid, side="right").astype(np.float64)
    return found


def _learned(learning: pd.DataFrame) -> pd.DataFrame:
    """Rows time_s, key, bias, drift; every finished request has one."""
    if learning.empty:
        return pd.DataFrame({"time_s": [], "key": [], "bias": [], "drift": []})
    estimated = _floats(learning, "estimated_output_tokens")
    ratio = np.full(len(learning), np.nan)
    np.divide(_floats(learning, "output_tokens"), estimated, out=ratio, where=estimated > 0)
    keys = pd.Categorical(learning["key"].astype(str), _names(learning["key"]))
    columns = {"time_s": _floats(learning, "time_s"), "bias": _floats(learning, "bias")}
    frame = pd.DataFrame(columns).assign(key=keys, drift=ratio)
    frame = frame.sort_values("time_s", kind="stable")
    frame = frame.dropna(subset="time_s")
    moving = frame.groupby("key", observed=True)["drift"].rolling(DRIFT_WINDOW, min_periods=1)
    frame["drift"] = moving.mean().reset_index(level=0, drop=True)
    return frame


# ---------------------------------------------------------------------------------- figures


def group_of(tenant: str) -> str:
    """What all that is drawn of a tenant is called."""
    return f"tenant:{tenant}"


def _over_time(
    name: str, traces: list[Figure], least: float, span: tuple[float, bool, Marks], labelled: bool
) -> Figure:
    """A figure over time. That of a recorded run has fixed axes: nothing jumps in playing."""
    end_s, recorded, marks = span
    x: dict[str, Any] = {"rangemode": "tozero", "hoverformat": ".2f", "nticks": 6}
    y: dict[str, Any] = {"rangemode": "tozero", "nticks": 6}
    y["autorangeoptions"] = {"include": least}  # small counts: no ticks between whole numbers
    if recorded and end_s > 0:
        drawn = [trace["y"] for trace in traces if "yaxis" not in trace]
        top = np.nanmax([least / 1.06, *(np.nanmax(np.append(values, 0)) for values in drawn)])
        x["range"], y["range"] = [0, end_s], [0, 1.06 * top]
    # of half the width that charts have: labels need twice the room
    shapes, labels = mark_parts(marks, 2 * end_s)
    layout = {"xaxis": x, "yaxis": y, "shapes": shapes, "annotations": labels if labelled else []}
    return _panel(Look("", name, "", TIME), traces, layout)


def _panel(look: Look, traces: list[Figure], layout: Figure, **more: Any) -> Figure:
    title, y = NAMED[look.filename]
    bare = {"showlegend": False, "margin": MARGIN, "meta": {"title": title, "y": y}}
    return look.parts(traces, layout | bare, **more)


def _queue(waiting: Mapping[str, Floats], colours: Mapping[str, str], span: Any) -> Figure:
    look = {"width": 1.8, "shape": "hv"}
    traces = []
    for name, levels in waiting.items():
        colour, group = colours[name], group_of(name)
        traces.append(line(None, levels, name, colour, "%{y:,.0f}", line=look, legendgroup=group))
    return _over_time("queue", traces, 5, span, labelled=True)


def _running(running: Floats, kv_share: Floats | None, span: Any) -> Figure:
    look = {"width": 1.6, "shape": "hv"}
    traces = [line(None, running, "Running", PALETTE[0], "%{y:,.0f}", line=look)]
    if kv_share is not None:
        dotted = {"width": 1.4, "dash": "dot"}
        share = line(None, kv_share, "KV cache used", NEUTRAL, "%{y:.1%}", line=dotted)
        traces.append(share | {"yaxis": "y2"})
    figure = _over_time("running", traces, 5, span, labelled=False)
    if kv_share is not None:
        figure["layout"] |= {"margin": MARGIN | {"r": 44}}
        ticks = {"tickmode": "linear", "tick0": 0, "dtick": 0.25, "tickformat": ".0%"}
        place = {"overlaying": "y", "side": "right", "range": [0, 1.06], "fixedrange": True}
        figure["layout"]["yaxis2"] = place | ticks | {"showgrid": False, "zeroline": False}
    return figure


def _drift(grid: Floats, rows: Mapping[str, pd.DataFrame], span: Any) -> Figure:
    looks = {"drift": {"width": 1.4, "dash": "dot"}, "bias": {"width": 1.8, "shape": "hv"}}
    traces = []
    learned = _learned(rows["learning"])
    colours = category_colours(_names(learned["key"]))
    for key, mine in learned.groupby("key", observed=True, sort=True):
        name = str(key)
        for column, look in looks.items():
            y = _held(mine, column, grid, before=math.nan)
            drawn = line(None, y, f"{name} {column}", colours[name], "%{y:.4~g}")
            drawn["line"] |= look
            traces.append(drawn | {"legendgroup": f"category:{name}"})
    figure = _over_time("drift", traces, 1.2, span, labelled=False)
    figure["layout"]["shapes"].append(level() | {"layer": "below"})
    return figure


# ---------------------------------------------------------------------------------- latencies


def _latency(requests: pd.DataFrame, folded: Mapping[str, str]) -> dict[str, dict[str, Floats]]:
    """Tenant → finish_s, e2e_s and request_id of its finished requests, in order of finish."""
    columns = ["finish_s", "e2e_s", "request_id"]
    done = pd.DataFrame({"tenant": [], "finish_s": [], "e2e_s": [], "request_id": []})
    if not requests.empty:
        done = requests[(requests["status"] == "finished") & requests["e2e_s"].notna()]
        if "request_id" not in done:  # the rows of a run under way
            done = done.assign(request_id=done.index)
        done = done.sort_values("finish_s", kind="stable")
        done = done.iloc[spread(len(done), LATENCIES)]
    drawn = done["tenant"].astype(str).map(dict(folded))
    return {
        name: {column: _floats(done[drawn == name], column) for column in columns}
        for name in dict.fromkeys(folded.values())
    }


def _histogram(
    latency: Mapping[str, Mapping[str, Floats]], colours: Mapping[str, str], recorded: bool
) -> Figure:
    every = np.concatenate([np.empty(0), *(values["e2e_s"] for values in latency.values())])
    edges = log_edges(every, 50)
    traces, top = [], 1.0
    for name, values in latency.items():
        drawn = outline(edges, values["e2e_s"], name, colours[name])
        top = max(top, float(drawn["y"].max()))
        traces.append(drawn | {"legendgroup": group_of(name)})
    y: dict[str, Any] = {"rangemode": "tozero"} | ({"range": [0, 1.1 * top]} if recorded else {})
    look = Look("", "histogram", "", "End-to-end latency (s)", "Requests")
    return _panel(look, traces, {"yaxis": y} | _until_one_ends(every), log_x=True)


def _cdf(latency: Mapping[str, Mapping[str, Floats]], colours: Mapping[str, str]) -> Figure:
    traces, every = [], np.concatenate([np.empty(0), *(v["e2e_s"] for v in latency.values())])
    for name, values in latency.items():
        found = np.sort(values["e2e_s"])
        x = np.quantile(found, SHARES) if len(found) else found
        drawn = line(x, 100 * SHARES[: len(x)], name, colours[name], "%{x:,.3~r} s")
        traces.append(drawn | {"hoverinfo": "x", "legendgroup": group_of(name)})
    look = Look("", "cdf", "", "End-to-end latency (s)", "Share of requests (%)")
    layout = {"yaxis": dict(SHARE_AXIS)} | _until_one_ends(every)
    return _panel(look, traces, layout, log_x=True, hover="y unified")


def _until_one_ends(latencies: Floats) -> Figure:
    """Axis of latencies that are still to come: plotly.js would show .1 to 300,000 s."""
    return {} if len(latencies) else {"xaxis": {"range": [-1, 1]}}
