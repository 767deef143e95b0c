"""Run a scenario on the compiled kernel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.results.outcomes import Learning, RunArrays
from driftsched.scheduling.policies import StaticOrder
from driftsched.simulation.compiled.compensators import FORESEEN
from driftsched.simulation.compiled.ends import read_ends
from driftsched.simulation.compiled.keys import StaticKeys, arrival_weight
from driftsched.simulation.compiled.loop import COUNTED, IDLE, LOG_FULL, advance
from driftsched.simulation.compiled.pack import log_arrays, pack
from driftsched.simulation.compiled.segments import Segments
from driftsched.simulation.compiled.world import World

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.results.gpu_samples import Columns, GpuLog
    from driftsched.results.outcomes import Outcomes
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.simulation.traffic import Progress
    from driftsched.workload.table import Workload

__all__ = ["outcome"]

REPORTS = 200
NEVER = 1 << 62
Log = tuple[NDArray[Any], ...]


def outcome(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    policy: Policy | None = None,
    progress: Progress | None = None,
    reason: str = "",
) -> RunArrays:
    """Run a scenario that `uncovered` has no objection to: arrays in, arrays out.

    Parameters
    ----------
    scenario, workload, budgets : what is run
    policy : Policy, optional
        Empty; its queue is not used, only its order or its turns.
    progress : callable, optional
        As in `driftsched.simulation.simulate`.
    reason : str
        Why this engine.

    Raises
    ------
    EstimateError
        The policy's order turns out to depend on estimates that only the run can give.
    """
    own = policy if policy is not None else scenario.policy.build(scenario.tenants)
    world = pack(scenario, workload, budgets, own)
    keys = None
    if isinstance(own, StaticOrder):
        foreseen = world.run["compensator"][0] == FORESEEN
        planned = int(world.run["planned"][0])
        known = (world.bias[planned:], world.estimate[planned:]) if foreseen else (None, None)
        keys = StaticKeys(own, scenario, workload, budgets, *known)
        world.run["budget_weight"] = keys.budget_weight
        world.run["arrival_weight"] = arrival_weight(own) or 0.0
    logs = _run(world, Segments(scenario, workload, world, keys), progress)
    count = len(world.replicas)
    log = _joined(logs)
    courses: list[GpuLog] = [partial(_course, log, number, count) for number in range(count)]
    attempts = retry_of = None
    if world.run["making"][0]:
        made = slice(0, int(world.run["made"][0]))
        rows = world.rows[made].astype(np.int64)
        workload, budgets = workload.take(rows), budgets.take(rows)
        attempts = world.requests["attempt"][made].astype(np.int32)
        retry_of = world.retry_of[made].astype(np.int64)
    ends = read_ends(scenario, workload, world)
    return RunArrays(
        workload,
        budgets,
        ends,
        engine="compiled",
        reason=reason,
        learning=_learning(world, ends),
        attempts=attempts,
        retry_of=retry_of,
        gpu_logs=courses,
    )


def _run(world: World, segments: Segments, progress: Progress | None) -> list[Log]:
    """Let the kernel run to the end; returns the replicas' course in pieces."""
    run, n = world.run, len(world.requests) - int(world.run["planned"][0])
    step = max(1, n // REPORTS)
    run["pause_at"] = step if progress else NEVER
    segments.open(0.0)
    logs: list[Log] = []
    while True:
        status = advance(world)
        if status == LOG_FULL:
            logs.append(_logged(world))
            world = _with_room(world)
        elif status == COUNTED:
            segments.open(float(run["now"][0]), idle=False)
        elif status != IDLE:
            run["pause_at"] += step
        elif not segments.open(float(run["now"][0])):
            logs.append(_logged(world))
            break
        if progress:
            progress(min(1.0, float(run["made"][0]) / n))
    if progress:
        progress(1.0)
    return logs


def _with_room(world: World) -> World:
    """The same run with an empty log, twice as long."""
    batch, rows = int(world.run["batch_size"][0]), 2 * len(world.log_time_s)
    world.run["logged"] = 0
    return world._replace(**log_arrays(batch, len(world.replicas), rows))


def _logged(world: World) -> Log:
    rows = slice(0, int(world.run["logged"][0]))
    return (
        world.log_time_s[rows],
        world.log_running[rows],
        world.log_kv[rows],
        world.log_grown[rows],
        world.log_replica[rows],
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


def _learning(world: World, ends: Outcomes) -> Learning:
    ids = world.learned_id[: int(world.run["finished"][0])]
    foreseen = len(world.learned_bias) == 0
    bias = np.ones(len(ids)) if foreseen else world.learned_bias[: len(ids)]
    return Learning(ends.finish_s[ids], ids, bias)
