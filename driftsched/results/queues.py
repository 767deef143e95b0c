"""The queues table, exact: a row a change, and sampled at any times."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from driftsched.core.arrays import Floats, Ints
from driftsched.results.outcomes import Requeue
from driftsched.scenario.model import Scenario

TOTAL = "(total)"
"""Column of the sum; no tenant can have this name."""
MOST_SAMPLES = 1_000_000


def lost_seconds(requeues: Sequence[Requeue], requests: int) -> Floats:
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
    tenants = requests["tenant"].cat.codes
    arrival, dispatch, finish = (requests[n] for n in ("arrival_s", "dispatch_s", "finish_s"))
    queued = requests["status"] != "rejected"
    ran, gave_up = queued & dispatch.notna(), queued & dispatch.isna()
    again = np.array(requeues, dtype=np.float64).reshape(-1, 3)
    lost = tenants.iloc[again[:, 0].astype(np.int64)]
    # (times, tenants, change of waiting, change of running), in their order at one instant
    changes = [
        (finish[ran], tenants[ran], 0, -1),
        (again[:, 2], lost, 1, -1),
        (arrival[queued], tenants[queued], 1, 0),
        (again[:, 1], lost, -1, 1),
        (dispatch[ran], tenants[ran], -1, 1),
        (finish[gave_up], tenants[gave_up], -1, 0),
    ]
    names = ("time_s", "tenant", "waiting", "running")
    parts = [pd.DataFrame(dict(zip(names, part, strict=True))) for part in changes]
    table = pd.concat(parts).dropna(subset="time_s")
    table = table.sort_values("time_s", kind="stable", ignore_index=True)
    counts = ["waiting", "running"]
    table[counts] = table.groupby("tenant")[counts].cumsum()
    known = pd.Index(scenario.tenant_names)
    table["tenant"] = pd.Categorical.from_codes(table["tenant"], categories=known)
    return table


def even_times(end_s: float, step_s: float) -> Floats:
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
    columns: dict[Hashable, Ints] = {}
    for code, name in enumerate(tenants.categories):
        mine = np.flatnonzero(tenants.codes == code)
        levels = np.concatenate([[0], waiting[mine]])
        columns[str(name)] = levels[np.searchsorted(time_s[mine], at, side="right")]
    total = np.sum(list(columns.values()), axis=0) if columns else np.zeros(len(at), np.int64)
    index = pd.Index(at, name="time_s")
    return pd.DataFrame(columns | {TOTAL: total}, index=index)
