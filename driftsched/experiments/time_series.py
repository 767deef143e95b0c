"""What an ensemble does over time: queues, drift, bias; means with intervals on one grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.results.statistics import half_width

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Ensemble
    from driftsched.results.outcomes import RunArrays

__all__ = ["bias_series", "drift_series", "mean_start_s", "queue_series", "tenant_queue_series"]

Floats = NDArray[np.float64]
POINTS = 160
WINDOWS = 40


def queue_series(ensemble: Ensemble, points: int = POINTS) -> pd.DataFrame:
    """Waiting requests of all tenants together at `points` even times from 0 to the last end.

    Returns
    -------
    DataFrame
        name (the policy), time_s, mean over the replications, and the ends of its pointwise 95 %
        interval (Student's t); an ended replication counts as an empty queue.
    """
    grid = _grid(ensemble, points)
    everybody = np.True_
    return _frame(
        {
            policy: np.array([_waiting(run, everybody, grid) for run in runs])
            for policy, runs in ensemble.runs.items()
        },
        grid,
    )


def tenant_queue_series(ensemble: Ensemble, policy: str, points: int = POINTS) -> pd.DataFrame:
    """Waiting requests of each tenant under one policy; as `queue_series`, name is the tenant."""
    grid = _grid(ensemble, points)
    runs = ensemble.runs[policy]
    levels = {
        name: np.array([_waiting(run, run.workload.tenant == n, grid) for run in runs])
        for n, name in enumerate(ensemble.scenario.tenant_names)
    }
    return _frame(levels, grid)


def drift_series(ensemble: Ensemble, policy: str, windows: int = WINDOWS) -> pd.DataFrame:
    """Mean of actual over estimated length of the requests that end in each window of time.

    Returns
    -------
    DataFrame
        name (the category), time_s (middle of the window), mean of all its requests in all
        replications, low (0 or more), high (Student's t for a ratio of totals); windows that fewer
        than two replications reach are left out.
    """
    parts = []
    for run in ensemble.runs[policy]:
        done = run.has_status("finished")
        ratio = run.budgets.output_length / np.maximum(run.outcomes.estimated_output_tokens, 1)
        parts.append((run.outcomes.finish_s[done], ratio[done], run.workload.category[done]))
    return _windows(ensemble, parts, windows)


def bias_series(ensemble: Ensemble, policy: str, windows: int = WINDOWS) -> pd.DataFrame:
    """Mean bias that arriving requests were estimated with; as `drift_series`.

    Categories are those that the classifier named.
    """
    parts = [
        (run.outcomes.arrival_s, run.outcomes.bias, run.budgets.predicted)
        for run in ensemble.runs[policy]
    ]
    return _windows(ensemble, parts, windows)


def mean_start_s(ensemble: Ensemble, request: int) -> float:
    """When a request arrives, on average over policies and replications, in seconds."""
    times = [
        run.outcomes.arrival_s[min(request, len(run) - 1)]
        for runs in ensemble.runs.values()
        for run in runs
    ]
    return float(np.mean(times))


def _end_s(ensemble: Ensemble) -> float:
    ends = [
        np.nanmax(run.outcomes.finish_s, initial=0.0)
        for runs in ensemble.runs.values()
        for run in runs
    ]
    return float(max(ends))


def _grid(ensemble: Ensemble, points: int) -> Floats:
    return np.linspace(0.0, _end_s(ensemble), points)


def _waiting(run: RunArrays, mine: NDArray[np.bool_] | np.bool_, grid: Floats) -> Floats:
    """Requests that have arrived and have not been dispatched at each time, shape (len(grid),)."""
    ends, queued = run.outcomes, ~run.has_status("rejected") & mine
    came = np.sort(ends.arrival_s[queued])
    left = np.where(np.isnan(ends.dispatch_s), ends.finish_s, ends.dispatch_s)[queued]
    gone = np.sort(left)  # NaN, never gone, is sorted last
    level: Floats = (
        came.searchsorted(grid, side="right") - gone.searchsorted(grid, side="right")
    ).astype(np.float64)
    return level


def _frame(levels: dict[str, Floats], grid: Floats) -> pd.DataFrame:
    """Means and intervals of levels, 0 or more, of shape (replications, times)."""
    parts = []
    for name, values in levels.items():
        mean, half = values.mean(axis=0), half_width(values)
        low = np.maximum(mean - half, 0.0)
        columns = {"name": name, "time_s": grid, "mean": mean, "low": low, "high": mean + half}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _windows(
    ensemble: Ensemble, parts: list[tuple[Floats, Floats, NDArray[np.int64]]], windows: int
) -> pd.DataFrame:
    """Means of values by window of time and category."""
    names, width = ensemble.scenario.category_names, _end_s(ensemble) / windows
    shape = (len(parts), len(names), windows)
    counts, sums = np.zeros(shape), np.zeros(shape)
    for place, (time_s, value, category) in enumerate(parts):
        window = np.minimum((time_s / width).astype(np.int64), windows - 1) if width else 0
        cell = category * windows + window
        size = len(names) * windows
        counts[place] = np.bincount(cell, minlength=size).reshape(shape[1:])
        sums[place] = np.bincount(cell, value, minlength=size).reshape(shape[1:])
    reached = (counts > 0).sum(axis=0) >= min(2, len(parts))
    total = np.where(reached, counts.sum(axis=0), np.nan)
    mean = sums.sum(axis=0) / total
    half = half_width((sums - mean * counts) / (total / len(parts)))
    middle = (np.arange(windows) + 0.5) * width
    rows = [
        pd.DataFrame(
            {
                "name": name,
                "time_s": middle[reached[k]],
                "mean": mean[k][reached[k]],
                "low": np.maximum(mean - half, 0.0)[k][reached[k]],
                "high": (mean + half)[k][reached[k]],
            }
        )
        for k, name in enumerate(names)
    ]
    return pd.concat(rows, ignore_index=True)
