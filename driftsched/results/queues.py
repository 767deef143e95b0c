"""The queues table, exact: a row a change, and sampled at any times."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from driftsched.results.outcomes import Requeue
    from driftsched.scenario.model import Scenario

__all__ = [
    "TOTAL",
    "even_times",
    "lost_seconds",
    "queue_table",
    "sample_queues",
]

TOTAL = "(total)"
"""Column of the sum; no tenant can have this name."""
MOST_SAMPLES = 1_000_000


def lost_seconds(requeues: Sequence[Requeue], requests: int) -> NDArray[np.float64]:
    """How long each of so many requests ran on replicas that then failed; seconds, (requests,)."""
    lost = np.zeros(requests)
    for request_id, dispatch_s, failed_s in requeues:
        lost[request_id] += failed_s - dispatch_s
    return lost


def queue_table(
    scenario: Scenario, requests: pd.DataFrame, requeues: Sequence[Requeue] = ()
) -> pd.DataFrame:
    """Derive time_s, tenant, waiting, running from the requests table, by request id.

    A request waits from its arrival to its dispatch (or to its end, where it was never dispatched)
    and runs from its dispatch to its end. One that was requeued also ran before: it waits from then
    on again. Rejected requests never wait. At one instant ends come before arrivals and arrivals
    before dispatches, so that no queue is ever negative. What has not happened (a live run that was
    stopped, or is under way) has no time and no row.
    """
    times, owner, waiting, running = _changes(requests, requeues)
    sequence = np.argsort(times, kind="stable")
    sequence = sequence[: len(times) - int(np.isnan(times).sum())]  # NaN is sorted last
    times, owner = times[sequence], owner[sequence]
    waiting, running = waiting[sequence], running[sequence]
    for tenant in range(len(scenario.tenants)):
        mine = np.flatnonzero(owner == tenant)
        waiting[mine] = np.cumsum(waiting[mine])
        running[mine] = np.cumsum(running[mine])
    return pd.DataFrame(
        {
            "time_s": times,
            "tenant": pd.Categorical.from_codes(
                owner.astype(np.int32), categories=pd.Index(scenario.tenant_names)
            ),
            "waiting": waiting,
            "running": running,
        },
        copy=False,
    )


def _changes(requests: pd.DataFrame, requeues: Sequence[Requeue]) -> tuple[NDArray[Any], ...]:
    """Time, tenant, change of waiting and of running: those of one instant in their order."""
    tenants = requests["tenant"].cat.codes.to_numpy().astype(np.int64)
    arrival, dispatch, finish = (
        requests[name].to_numpy() for name in ("arrival_s", "dispatch_s", "finish_s")
    )
    queued = (requests["status"] != "rejected").to_numpy()
    ran = queued & ~np.isnan(dispatch)
    gave_up = queued & np.isnan(dispatch)
    again = np.array(requeues, dtype=np.float64).reshape(-1, 3)
    lost, begun, failed = again[:, 0].astype(np.int64), again[:, 1], again[:, 2]
    # (times, tenants, change of waiting, change of running), in their order at one instant
    parts = [
        (finish[ran], tenants[ran], 0, -1),
        (failed, tenants[lost], 1, -1),
        (arrival[queued], tenants[queued], 1, 0),
        (begun, tenants[lost], -1, 1),
        (dispatch[ran], tenants[ran], -1, 1),
        (finish[gave_up], tenants[gave_up], -1, 0),
    ]
    sizes = [len(part[0]) for part in parts]
    times, owner = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    waiting, running = (np.repeat([part[place] for part in parts], sizes) for place in (2, 3))
    return times, owner, waiting, running


def even_times(end_s: float, step_s: float) -> NDArray[np.float64]:
    """Times 0, step, 2·step … up to and including `end_s`, in seconds.

    Raises
    ------
    ValueError
        When step_s is not > 0, or there would be over a million times.
    """
    if not step_s > 0:
        raise ValueError(f"step_s must be > 0, got {step_s:g}")
    count = int(max(end_s, 0.0) / step_s + 1e-9) + 1
    if count > MOST_SAMPLES:
        raise ValueError(f"step_s must give at most {MOST_SAMPLES} samples, got {count}")
    return np.arange(count, dtype=np.float64) * step_s


def sample_queues(queues: pd.DataFrame, times: ArrayLike) -> pd.DataFrame:
    """Waiting requests at given times, in any order: a column a tenant, and ``(total)``.

    Of the queues table a tenant's value holds until its next row; of several rows at one instant
    the last holds; before the first it is 0.
    """
    at = np.asarray(times, dtype=np.float64)
    time_s = queues["time_s"].to_numpy(np.float64)
    waiting = queues["waiting"].to_numpy(np.int64)
    tenants = pd.Categorical(queues["tenant"])
    columns: dict[Hashable, NDArray[np.int64]] = {}
    for code, name in enumerate(tenants.categories):
        mine = np.flatnonzero(tenants.codes == code)
        levels = np.concatenate([[0], waiting[mine]])
        columns[str(name)] = levels[np.searchsorted(time_s[mine], at, side="right")]
    total = np.sum(list(columns.values()), axis=0) if columns else np.zeros(len(at), np.int64)
    index = pd.Index(at, name="time_s")
    return pd.DataFrame(columns | {TOTAL: total}, index=index)
