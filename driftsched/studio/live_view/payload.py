"""What the live view is given: the tables of a run, thinned out, as plain JSON values.

Pure: tables in, a dict out, no streamlit. Both functions build the same keys; an increment of a
live run holds only what is new since the one before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.studio.live_view.learned import learning
from driftsched.studio.live_view.values import as_json, floats, held, names_of, number, spread

__all__ = ["live_payload", "run_payload"]

Floats = NDArray[np.float64]
Payload = dict[str, Any]

MAX_TENANTS = 10
"""More lines than this are hard to tell apart; the small ones are drawn as one."""
OTHERS = "others"
FALLBACK_COLOUR = "#8A8A8A"
TIMES = {
    "requests": ("arrival_s", "dispatch_s", "finish_s"),
    "queues": ("time_s",),
    "gpus": ("time_s",),
    "learning": ("time_s",),
}


def run_payload(
    run_id: str,
    title: str,
    tables: Mapping[str, pd.DataFrame],
    colours: Mapping[str, str],
    *,
    points: int = 600,
    requests: int = 4000,
    marks: Sequence[tuple[float, str]] = (),
) -> Payload:
    """Hand a finished run over as a whole; the browser plays it without the server.

    Parameters
    ----------
    run_id : str
        Names the run; another one makes the view start afresh.
    title : str
        Read out as the view's name.
    tables : mapping of str to DataFrame
        The run's requests, queues, gpus and learning tables; any may be empty or missing.
    colours : mapping of str to str
        Tenant or category → ``#rrggbb``.
    points : int
        At most so many points a line, at least 2.
    requests : int
        At most so many latencies, evenly sampled in order of finish.
    marks : sequence of (float, str)
        Vertical lines: seconds, label.

    Returns
    -------
    dict
        Mode, run_id, title, duration_s, tenants, categories, queue, learning, latency, marks: only
        JSON values, no NaN.
    """
    duration_s = _end_s(tables)
    grid = np.linspace(0.0, duration_s, points) if duration_s > 0 else np.zeros(1)
    window = (-math.inf, math.inf)
    body = _body(tables, colours, grid, window, points, requests, marks)
    head = {"mode": "recorded", "run_id": run_id, "title": title}
    return head | {"duration_s": number(duration_s)} | body


def live_payload(
    run_id: str,
    title: str,
    tables: Mapping[str, pd.DataFrame],
    colours: Mapping[str, str],
    *,
    seq: int,
    since_s: float | None,
    now_s: float,
    done: bool = False,
    step_s: float = 0.5,
    points: int = 600,
    requests: int = 4000,
    marks: Sequence[tuple[float, str]] = (),
) -> Payload:
    """Hand over what a running run did after `since_s`, up to and including `now_s`.

    Parameters
    ----------
    run_id, title, tables, colours, marks
        As in `run_payload`; tables and marks hold all so far, rows at or before `since_s` are left
        out.
    seq : int
        Grows by one with each increment of the run; the browser notices a lost one.
    since_s : float or None
        The `now_s` of the increment before; None sends the whole run so far, which replaces what
        the browser has.
    now_s : float
        Seconds since the run's start, at the moment the tables were read.
    done : bool
        The run has ended; nothing follows.
    step_s : float
        Distance of points in seconds.
    points, requests : int
        At most so many in this increment.

    Raises
    ------
    ValueError
        When `now_s` is before `since_s`.
    """
    start_s = 0.0 if since_s is None else since_s
    if now_s < start_s:
        raise ValueError(f"now_s must be >= since_s ({start_s:g}), got {now_s:g}")
    steps = min(points, math.ceil((now_s - start_s) / step_s - 1e-9))
    grid = np.linspace(start_s, now_s, steps + 1)
    grid = grid if since_s is None else grid[1:]
    window = (-math.inf if since_s is None else since_s, now_s)
    body = _body(tables, colours, grid, window, points, requests, marks)
    head = {"mode": "live", "run_id": run_id, "title": title, "seq": seq, "done": done}
    head |= {"since_s": None if since_s is None else number(since_s)}
    return head | {"duration_s": number(now_s)} | body


def _body(
    tables: Mapping[str, pd.DataFrame],
    colours: Mapping[str, str],
    grid: Floats,
    window: tuple[float, float],
    points: int,
    requests: int,
    marks: Sequence[tuple[float, str]],
) -> Payload:
    rows = {name: tables.get(name, pd.DataFrame()) for name in TIMES}
    folded = _folding(rows["requests"], rows["queues"])
    tenants = list(dict.fromkeys(folded.values()))
    learnt = learning(rows, window, points)
    return {
        "tenants": [_named(name, colours) for name in tenants],
        "categories": [_named(name, colours) for name in learnt],
        "queue": _queue(rows, folded, tenants, grid),
        "learning": learnt,
        "latency": _latency(rows["requests"], folded, tenants, window, requests),
        "marks": [{"time_s": number(at), "label": label} for at, label in marks],
    }


def _end_s(tables: Mapping[str, pd.DataFrame]) -> float:
    """Return the last instant that any table tells of."""
    ends = [0.0]
    for name, columns in TIMES.items():
        frame = tables.get(name, pd.DataFrame())
        values = [floats(frame, column) for column in columns if column in frame]
        ends += [float(np.nanmax(column)) for column in values if np.isfinite(column).any()]
    return max(ends)


def _folding(requests: pd.DataFrame, queues: pd.DataFrame) -> dict[str, str]:
    """Tenant → the name it is drawn under.

    The first tenants keep theirs, not the busiest: the choice must not change while a run grows.
    """
    names = list(dict.fromkeys([*names_of(requests, "tenant"), *names_of(queues, "tenant")]))
    kept = names if len(names) <= MAX_TENANTS else names[: MAX_TENANTS - 1]
    return {name: name if name in kept else OTHERS for name in names}


def _named(name: str, colours: Mapping[str, str]) -> dict[str, str]:
    return {"name": name, "colour": colours.get(name, FALLBACK_COLOUR)}


def _queue(
    rows: Mapping[str, pd.DataFrame],
    folded: Mapping[str, str],
    tenants: Sequence[str],
    grid: Floats,
) -> Payload:
    waiting = {name: np.zeros(len(grid)) for name in tenants}
    running = np.zeros(len(grid))
    queues = rows["queues"]
    if not queues.empty:
        for name, mine in queues.groupby(queues["tenant"].astype(str), sort=False):
            time_s = floats(mine, "time_s")
            waiting[folded[str(name)]] += held(time_s, floats(mine, "waiting"), grid)
            running += held(time_s, floats(mine, "running"), grid)
    return {
        "time_s": as_json(grid),
        "waiting": {name: as_json(level) for name, level in waiting.items()},
        "running": as_json(running),
        "kv_used_share": _kv_used_share(rows["gpus"], grid),
        "rejected": _counted(rows["requests"], ("rejected",), grid),
        "failed": _counted(rows["requests"], ("failed", "timed_out", "cancelled"), grid),
        "finished": _counted(rows["requests"], ("finished",), grid),
    }


def _kv_used_share(gpus: pd.DataFrame, grid: Floats) -> list[Any] | None:
    if gpus.empty or not {"kv_used_tokens", "kv_capacity_tokens"} <= set(gpus.columns):
        return None
    known = gpus[gpus["kv_used_tokens"].notna() & (gpus["kv_capacity_tokens"] > 0)]
    if known.empty:
        return None
    used, capacity = np.zeros(len(grid)), np.zeros(len(grid))
    for _, mine in known.groupby("replica", sort=False):
        time_s = floats(mine, "time_s")
        used += held(time_s, floats(mine, "kv_used_tokens"), grid)
        capacity += held(time_s, floats(mine, "kv_capacity_tokens"), grid)
    return as_json(np.divide(used, capacity, out=np.zeros(len(grid)), where=capacity > 0))


def _counted(requests: pd.DataFrame, statuses: Sequence[str], grid: Floats) -> list[Any]:
    """Count the requests that ended so by each instant; a rejected one ends as it arrives."""
    if requests.empty:
        return [0] * len(grid)
    mine = requests[requests["status"].isin(statuses)]
    ends = floats(mine, "arrival_s" if "rejected" in statuses else "finish_s")
    ends = np.sort(ends[np.isfinite(ends)])
    return as_json(np.searchsorted(ends, grid, side="right").astype(np.float64))


def _latency(
    requests: pd.DataFrame,
    folded: Mapping[str, str],
    tenants: Sequence[str],
    window: tuple[float, float],
    most: int,
) -> Payload:
    if requests.empty:
        return {"finish_s": [], "e2e_s": [], "tenant": []}
    done = requests[(requests["status"] == "finished") & requests["e2e_s"].notna()]
    done = done[(done["finish_s"] > window[0]) & (done["finish_s"] <= window[1])]
    done = done.sort_values("finish_s", kind="stable")
    done = done.iloc[spread(len(done), most)]
    place = {name: tenants.index(drawn) for name, drawn in folded.items()}
    return {
        "finish_s": as_json(floats(done, "finish_s")),
        "e2e_s": as_json(floats(done, "e2e_s")),
        "tenant": [place[str(name)] for name in done["tenant"]],
    }
