"""How soon estimates are right again once lengths have drifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.results.statistics import half_width
from driftsched.workload.drift import drift_marks

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Ensemble
    from driftsched.results.outcomes import RunArrays

__all__ = ["NEAR", "Recovery", "recovery"]

NEAR = 0.1
WINDOW = 50
"""Requests of each replication that are looked at together."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """How long estimates stay wrong after a drift's onset.

    Attributes
    ----------
    label : str
        The drift event's.
    onset_s : float
        When it begins, on average; NaN where it begins after the last request.
    requests, low, high : float
        Requests that come after the onset until estimates are within `NEAR` of what they were
        before, with the ends of the jackknife's 95 % interval; 0 where they never leave it,
        infinity where the traffic ends before.
    after_s : float
        Seconds from the onset until then, on average.
    of : int
        Requests that come after the onset.
    """

    label: str
    onset_s: float
    requests: float
    low: float
    high: float
    after_s: float
    of: int


def recovery(ensemble: Ensemble, policy: str) -> Recovery | None:
    """Requests until actual over estimated length is back where it was; None without a drift.

    Estimates are looked at in the order in which requests arrive, `WINDOW` requests of each
    replication together: the sum of their actual lengths over that of their estimates, beside the
    same of the requests before the onset. The last event that scenario or what-if adds counts.
    """
    runs = ensemble.runs[policy]
    scenario = ensemble.scenarios[policy]
    if not scenario.drift:
        return None
    last = scenario.model_copy(update={"drift": scenario.drift[-1:]})
    onsets, courses, befores = [], [], []
    for run in runs:
        arrival = run.outcomes.arrival_s
        segments = run.workload.segments
        begins = [float(arrival[min(s.first, len(run) - 1)]) for s in segments]
        marks = drift_marks(last, segments, begins)
        onset = min((at for at, _ in marks), default=np.inf)
        place = int(np.searchsorted(arrival, onset))
        lengths = _lengths(run)
        onsets.append(onset)
        befores.append(lengths[:, max(0, place - 4 * WINDOW) : place].sum(axis=1))
        courses.append((lengths[:, place:], arrival[place:] - onset))
    shortest = min(lengths.shape[1] for lengths, _ in courses)
    label = scenario.drift[-1].title
    if shortest < WINDOW:
        return Recovery(label, np.nan, np.inf, np.inf, np.inf, np.nan, shortest)
    sums = np.array([_windows(lengths[:, :shortest]) for lengths, _ in courses])
    before = np.array(befores)
    found = _first_back(sums.sum(axis=0), before.sum(axis=0))
    low = high = found
    if len(runs) > 1 and found:
        left = [np.arange(len(runs)) != one for one in range(len(runs))]
        parts = np.array([_first_back(sums[kept].sum(0), before[kept].sum(0)) for kept in left])
        if np.isfinite(parts).all() and np.isfinite(found):
            pseudo = len(runs) * found - (len(runs) - 1) * parts
            half = float(half_width(pseudo))
            low, high = max(found - half, 0.0), found + half
        else:
            low, high = float(parts.min()), np.inf
    at = int(min(found, shortest)) - 1
    after = float(np.mean([since[at] for _, since in courses])) if 0 < found < np.inf else np.nan
    return Recovery(label, float(np.mean(onsets)), found, low, high, after, shortest)


def _lengths(run: RunArrays) -> Floats:
    """Actual and estimated lengths of the requests in order of arrival, shape (2, n)."""
    guess = run.outcomes.estimated_output_tokens.astype(np.float64)
    actual = run.budgets.output_length.astype(np.float64)
    known = guess > 0
    return np.array([np.where(known, actual, 0.0), np.where(known, guess, 0.0)])


def _windows(lengths: Floats) -> Floats:
    """Sums over the last `WINDOW` requests, shape (2, n − WINDOW + 1)."""
    summed = np.cumsum(np.pad(lengths, ((0, 0), (1, 0))), axis=1)
    windows: Floats = summed[:, WINDOW:] - summed[:, :-WINDOW]
    return windows


def _first_back(windows: Floats, before: Floats) -> float:
    """Requests after the onset until a window is near again; 0 where none leaves."""
    usual = before[0] / before[1] if before[1] > 0 else 1.0
    off = np.abs(windows[0] / np.maximum(windows[1], 1.0) / usual - 1) > NEAR
    if not off.any():
        return 0.0
    left = int(np.argmax(off))
    if off[left:].all():
        return float(np.inf)
    return float(left + int(np.argmin(off[left:])) + WINDOW)
