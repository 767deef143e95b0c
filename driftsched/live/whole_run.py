"""Run a scenario live and wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from driftsched.live.run import LiveRun

if TYPE_CHECKING:
    from driftsched.live.engine import Engine, Probe
    from driftsched.live.options import LiveOptions
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.workload.table import Workload

__all__ = ["run_live"]


def run_live(
    scenario: Scenario,
    options: LiveOptions,
    *,
    engine: Engine | None = None,
    workload: Workload | None = None,
    policy: Policy | None = None,
    probes: Sequence[Probe] | None = None,
    progress: Callable[[float], None] | None = None,
    observer: Callable[[LiveRun], None] | None = None,
) -> RunResult:
    """Run a scenario live on an event loop of its own, and wait for its end.

    Parameters
    ----------
    scenario, options, engine, workload, policy, probes, progress
        See `LiveRun`.
    observer : callable, optional
        Called once before the start with the run, to watch and stop it from another thread.

    Returns
    -------
    RunResult
        The same tables as of a simulated run.
    """
    run = LiveRun(
        scenario,
        options,
        engine=engine,
        workload=workload,
        policy=policy,
        probes=probes,
        progress=progress,
    )
    if observer:
        observer(run)

    async def whole() -> None:
        await run.run()

    # The result is not the task's: asyncio writes a task's result out as text, tables and all.
    asyncio.run(whole())
    assert run.result is not None
    return run.result
