"""Which rows of a trace are taken: a window of time, a sample of clients or rows, the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftsched.core.errors import ScenarioError, TraceError
from driftsched.scenario.recorded import TraceSource
from driftsched.workload.streams import Streams
from driftsched.workload.traces.rows import RecordedRows

__all__ = ["select"]

IntArray = NDArray[np.int64]


def select(rows: RecordedRows, rules: TraceSource, streams: Streams) -> IntArray:
    """Positions of the rows taken, in order of time, equal times as in the file.

    Clients and rows are drawn by the scenario's seed; `limit` is applied last.

    Raises
    ------
    TraceError
        No row is left.
    ScenarioError
        Clients are to be sampled, but the file names none.
    """
    order = np.argsort(rows.time_ns, kind="stable").astype(np.int64)
    since_s = (rows.time_ns[order] - rows.time_ns[order[0]]) / 1e9
    taken = since_s >= rules.from_s
    if rules.until_s is not None:
        taken &= since_s <= rules.until_s
    if rules.sample_clients < 1:
        taken &= _sampled(rows, rules, streams)[order]
    if rules.sample < 1:
        taken &= streams.get("trace_sample", 0, 1).random(len(order)) < rules.sample
    order = order[taken][: rules.limit]
    if len(order) == 0:
        raise TraceError(
            f"trace must have at least 1 row by the rules, got 0 of {len(rows.time_ns)}: widen "
            "from_s, until_s, sample_clients or sample"
        )
    return np.asarray(order)


def _sampled(rows: RecordedRows, rules: TraceSource, streams: Streams) -> NDArray[np.bool_]:
    """Whether each row's client is in the sample, which has at least one client."""
    if rows.client is None:
        raise ScenarioError(
            "trace.sample_clients must be 1 where the file does not say who sent a request, got "
            f"{rules.sample_clients:g}"
        )
    n = len(rows.clients)
    drawn = streams.get("trace_sample", 0, 0).permutation(n)
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[drawn[: max(1, round(n * rules.sample_clients))]] = True
    return chosen[rows.client]
