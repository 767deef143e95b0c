"""Moments of a run that every time chart shows: phases, drift, and whatever else was planned."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from driftsched.results.gpu_samples import ABSENT
from driftsched.results.tables import RunResult
from driftsched.results.wording import counted
from driftsched.workload.drift import drift_marks
from driftsched.workload.table import Segment


def phase_marks(requests: pd.DataFrame) -> list[tuple[float, str]]:
    """Return the start of each phase, its first arrival: (seconds, name) in order of time."""
    if requests.empty or "phase" not in requests:
        return []
    starts = requests.groupby("phase", observed=True)["arrival_s"].min().sort_values()
    return [(float(at), str(name)) for name, at in starts.items() if np.isfinite(at)]


def join_marks(*groups: Iterable[tuple[float, str]]) -> list[tuple[float, str]]:
    """Join marks of several kinds in order of time; labels of one instant become one.

    Examples
    --------
    >>> join_marks([(0.0, "calm"), (60.0, "crowd")], [(60.0, "lengths ×2")])
    [(0.0, 'calm'), (60.0, 'crowd · lengths ×2')]
    """
    joined: dict[float, list[str]] = {}
    for at, label in (mark for group in groups for mark in group):
        joined.setdefault(float(at), []).append(label)
    return [(at, " · ".join(joined[at])) for at in sorted(joined)]


def run_marks(result: RunResult) -> list[tuple[float, str]]:
    """Return (seconds, label) of phases, drift and events, in order.

    A phase starts at its first request, and drift stands where the requests it changed came. What
    an autoscaler did stands at the first sample after it. A live run says itself when drift set in,
    and no event happens to its engine.
    """
    phases = phase_marks(result.requests)
    live = result.provenance.get("live")
    if live is not None:
        drift = [(float(at), str(label)) for at, label in live.get("drift_marks", ())]
        return join_marks(phases, drift)
    drift = []
    if result.scenario.drift and phases:
        segments, starts = _segments(result)
        drift = drift_marks(result.scenario, segments, starts)
    events = [
        (moment.at_s, moment.label)
        for event in result.scenario.events
        for moment in event.moments()
    ]
    return join_marks(phases, drift, events, _autoscaled(result))


def _autoscaled(result: RunResult) -> list[tuple[float, str]]:
    """How many replicas there were, at each change in the gpus table, where an autoscaler acted."""
    kinds = [event.kind for event in result.scenario.events]
    if "autoscale" not in kinds or "state" not in result.gpus.columns:
        return []
    there = result.gpus[result.gpus["state"] != ABSENT]
    counts = there.groupby("time_s")["replica"].nunique()
    changes = counts[counts.diff().fillna(0.0) != 0]
    return [(float(str(at)), counted(int(count), "replica")) for at, count in changes.items()]


def _segments(result: RunResult) -> tuple[list[Segment], list[float]]:
    """Phases as they ran, and their starts in the run."""
    times = result.requests.groupby("phase", observed=True)["arrival_s"].agg(["min", "max"])
    planned = {phase.name: phase for phase in result.scenario.phases}
    segments: list[Segment] = []
    starts: list[float] = []
    for name, row in times.sort_values("min").iterrows():
        phase = planned.get(str(name))
        lasted = phase.duration_s if phase is not None else None
        span = float(row["max"] - row["min"]) if lasted is None else lasted
        pause = phase.pause_s if phase is not None else 0.0
        segments.append(Segment(str(name), 0, 0, span, pause_s=pause))
        starts.append(float(row["min"]))
    return segments, starts
