"""Run a scenario on the compiled kernel."""

from __future__ import annotations

from functools import partial

import numpy as np

from driftsched.core.arrays import Array
from driftsched.gateway.interfaces import Progress
from driftsched.results.gpu_samples import Columns, GpuLog
from driftsched.results.outcomes import Learning, Outcomes, RunArrays
from driftsched.scenario.model import Scenario
from driftsched.simulation.compiled.ends import read_ends
from driftsched.simulation.compiled.loop import COUNTED, IDLE, LOG_FULL, advance
from driftsched.simulation.compiled.pack import pack
from driftsched.simulation.compiled.segments import Segments
from driftsched.simulation.compiled.state import LOG, KernelState
from driftsched.workload.budgets import Budgets
from driftsched.workload.table import Workload

REPORTS = 200
NEVER = 1 << 62


def outcome(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    progress: Progress | None = None,
    reason: str = "",
) -> RunArrays:
    """Run a scenario that `uncovered` has no objection to: arrays in, arrays out.

    `progress` is called as in `driftsched.simulation.simulate`; `reason` says why this engine.
    """
    state = pack(scenario, workload, budgets)
    log = _run(state, Segments(scenario, workload, state), progress)
    count = len(state.replicas)
    courses: list[GpuLog] = [partial(_course, log, number, count) for number in range(count)]
    attempts = retry_of = None
    if state.run["making"][0]:
        made = slice(0, int(state.run["made"][0]))
        rows = state.made["row"][made].astype(np.int64)
        workload, budgets = workload.take(rows), budgets.take(rows)
        attempts = state.requests["attempt"][made].astype(np.int32)
        retry_of = state.made["former"][made].astype(np.int64)
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


def _run(state: KernelState, segments: Segments, progress: Progress | None) -> Array:
    """Let the kernel run to the end; returns the replicas' course."""
    run, n = state.run, len(state.requests) - int(state.run["planned"][0])
    step = max(1, n // REPORTS)
    run["pause_at"] = step if progress else NEVER
    segments.open(0.0)
    while True:
        status = advance(state)
        if status == LOG_FULL:
            state = _with_room(state)
        elif status == COUNTED:
            segments.open(float(run["now"][0]), idle=False)
        elif status != IDLE:
            run["pause_at"] += step
        elif not segments.open(float(run["now"][0])):
            break
        if progress:
            progress(min(1.0, float(run["made"][0]) / n))
    if progress:
        progress(1.0)
    return state.log[: int(run["logged"][0])]


def _with_room(state: KernelState) -> KernelState:
    """The same run with a log of twice the length."""
    log = np.empty(2 * len(state.log), LOG)
    log[: len(state.log)] = state.log
    return state._replace(log=log)


def _course(log: Array, number: int, replicas: int) -> Columns:
    """One replica's time, running, KV tokens, what they had grown to: a row a change."""
    mine = log if replicas == 1 else log[log["replica"] == number]
    return mine["time_s"], mine["running"], mine["kv"], mine["grown"]


def _learning(state: KernelState, ends: Outcomes) -> Learning:
    learned = state.learned[: int(state.run["finished"][0])]
    return Learning(ends.finish_s[learned["item"]], learned["item"], learned["bias"])
