"""Run a scenario on the compiled kernel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.results.outcomes import Learning, RunArrays
from driftsched.simulation.compiled.ends import read_ends
from driftsched.simulation.compiled.loop import COUNTED, IDLE, LOG_FULL, advance
from driftsched.simulation.compiled.pack import log_arrays, pack
from driftsched.simulation.compiled.segments import Segments
from driftsched.simulation.compiled.state import KernelState

if TYPE_CHECKING:
    from driftsched.gateway.interfaces import Progress
    from driftsched.results.gpu_samples import Columns, GpuLog
    from driftsched.results.outcomes import Outcomes
    from driftsched.scenario.model import Scenario
    from driftsched.workload.budgets import Budgets
    from driftsched.workload.table import Workload

__all__ = ["outcome"]

REPORTS = 200
NEVER = 1 << 62
Log = tuple[NDArray[Any], ...]


def outcome(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    progress: Progress | None = None,
    reason: str = "",
) -> RunArrays:
    """Run a scenario that `uncovered` has no objection to: arrays in, arrays out.

    Parameters
    ----------
    scenario, workload, budgets : what is run
    progress : callable, optional
        As in `driftsched.simulation.simulate`.
    reason : str
        Why this engine.
    """
    state = pack(scenario, workload, budgets)
    logs = _run(state, Segments(scenario, workload, state), progress)
    count = len(state.replicas)
    log = _joined(logs)
    courses: list[GpuLog] = [partial(_course, log, number, count) for number in range(count)]
    attempts = retry_of = None
    if state.run["making"][0]:
        made = slice(0, int(state.run["made"][0]))
        rows = state.rows[made].astype(np.int64)
        workload, budgets = workload.take(rows), budgets.take(rows)
        attempts = state.requests["attempt"][made].astype(np.int32)
        retry_of = state.retry_of[made].astype(np.int64)
    ends = read_ends(scenario, workload, state)
    return RunArrays(
        workload,
        budgets,
        ends,
        engine="compiled",
        reason=reason,
        learning=_learning(state, ends),
        attempts=attempts,
        retry_of=retry_of,
        gpu_logs=courses,
    )


def _run(state: KernelState, segments: Segments, progress: Progress | None) -> list[Log]:
    """Let the kernel run to the end; returns the replicas' course in pieces."""
    run, n = state.run, len(state.requests) - int(state.run["planned"][0])
    step = max(1, n // REPORTS)
    run["pause_at"] = step if progress else NEVER
    segments.open(0.0)
    logs: list[Log] = []
    while True:
        status = advance(state)
        if status == LOG_FULL:
            logs.append(_logged(state))
            state = _with_room(state)
        elif status == COUNTED:
            segments.open(float(run["now"][0]), idle=False)
        elif status != IDLE:
            run["pause_at"] += step
        elif not segments.open(float(run["now"][0])):
            logs.append(_logged(state))
            break
        if progress:
            progress(min(1.0, float(run["made"][0]) / n))
    if progress:
        progress(1.0)
    return logs


def _with_room(state: KernelState) -> KernelState:
    """The same run with an empty log, twice as long."""
    batch, rows = int(state.run["batch_size"][0]), 2 * len(state.log_time_s)
    state.run["logged"] = 0
    return state._replace(**log_arrays(batch, len(state.replicas), rows))


def _logged(state: KernelState) -> Log:
    rows = slice(0, int(state.run["logged"][0]))
    return (
        state.log_time_s[rows],
        state.log_running[rows],
        state.log_kv[rows],
        state.log_grown[rows],
        state.log_replica[rows],
    )


def _joined(logs: list[Log]) -> Log:
    """The pieces of the course as one; each column's are let go before the next is joined."""
    columns = [list(parts) for parts in zip(*logs, strict=True)]
    logs.clear()
    joined = []
    while columns:
        joined.append(np.concatenate(columns.pop(0)))
    return tuple(joined)


def _course(log: Log, number: int, replicas: int) -> Columns:
    """One replica's time, running, KV tokens, what they had grown to: a row a change."""
    time_s, running, kv, grown, owner = log
    if replicas == 1:
        return time_s, running, kv, grown
    mine = owner == number
    return time_s[mine], running[mine], kv[mine], grown[mine]


def _learning(state: KernelState, ends: Outcomes) -> Learning:
    ids = state.learned_id[: int(state.run["finished"][0])]
    return Learning(ends.finish_s[ids], ids, state.learned_bias[: len(ids)])
