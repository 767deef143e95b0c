"""Run a scenario on the simulated clock."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from driftsched.core.errors import ScenarioError
from driftsched.gateway.clients import react
from driftsched.results.gpu_samples import packed
from driftsched.results.outcomes import Learning, Outcomes, RunArrays
from driftsched.results.tables import build_result
from driftsched.simulation.clock import Clock
from driftsched.simulation.fleet import Fleet
from driftsched.workload.budgets import prepare_budgets
from driftsched.workload.generate import generate
from driftsched.workload.requests import make_requests

if TYPE_CHECKING:
    from driftsched.gateway.interfaces import Progress
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.workload.budgets import Budgets
    from driftsched.workload.table import Workload

__all__ = ["ENGINES", "EngineName", "run_arrays", "simulate"]

EngineName = Literal["auto", "simpy", "compiled"]
ENGINES: tuple[str, ...] = get_args(EngineName)
"""Who may run a scenario; see `simulate`."""


def simulate(
    scenario: Scenario,
    workload: Workload | None = None,
    *,
    policy: Policy | None = None,
    progress: Progress | None = None,
    engine: EngineName = "auto",
) -> RunResult:
    """Simulate a scenario from its first arrival until its last request has ended.

    Parameters
    ----------
    scenario : Scenario
        What to run.
    workload : Workload, optional
        Its traffic, where it was generated before; policies compared on one workload see the same
        requests and lengths (common random numbers).
    policy : Policy, optional
        A policy object of the caller's own instead of the scenario's; it must be empty.
    progress : callable, optional
        Called with the share of requests submitted, 0 to 1; what it raises ends the run.
    engine : {"auto", "simpy", "compiled"}
        Both engines give the same tables. The compiled one is faster and does not cover
        everything; auto takes it wherever it does. Its first use on a machine compiles it, which
        takes about a minute: auto lets the SimPy engine do up to 50,000 requests until then.
        The provenance says which one ran, and why.

    Returns
    -------
    RunResult
        Equal for equal scenario and seed, on any machine and in any process, but for provenance.

    Raises
    ------
    ScenarioError
        When the model does not fit the GPU, the traffic is empty, or the scenario has a feature
        that the compiled engine, when asked for, does not cover.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> result = simulate(load_scenario("paper", ["phases.0.requests=50", "phases.1.requests=50"]))
    >>> len(result.requests)
    100
    """
    if engine not in ENGINES:
        raise ScenarioError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    started = time.perf_counter()
    if workload is None:
        workload = generate(scenario)
    run = run_arrays(
        scenario,
        workload,
        prepare_budgets(scenario, workload),
        policy=policy,
        progress=progress,
        engine=engine,
    )
    return build_result(scenario, run, wall_s=time.perf_counter() - started)


def run_arrays(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    *,
    policy: Policy | None = None,
    progress: Progress | None = None,
    engine: EngineName = "auto",
) -> RunArrays:
    """Simulate a scenario whose traffic and budgets are known; arrays instead of tables.

    The arguments, and what is raised, are those of `simulate`.
    """
    reason = "asked for"
    if engine != "simpy":
        # numba is loaded only where it is wanted.
        from driftsched.simulation.compiled import choose
        from driftsched.simulation.compiled.engine import outcome

        choice, reason = choose(scenario, workload, engine, policy)
        if choice == "compiled":
            return outcome(scenario, workload, budgets, progress, reason)
    with _fewer_collections():
        return _run_simpy(scenario, workload, budgets, policy, progress, reason)


def _run_simpy(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    policy: Policy | None,
    progress: Progress | None,
    reason: str,
) -> RunArrays:
    requests = make_requests(scenario, workload, budgets)
    clock = Clock()
    fleet = Fleet(scenario, clock, requests, workload, policy, progress)
    clock.run_out()
    while fleet.fail_stranded():
        clock.run_out()
    attempts = retry_of = None
    clients = fleet.clients
    if scenario.events or react(scenario, workload):
        made = np.array(clients.rows, dtype=np.int64)
        workload, budgets = workload.take(made), budgets.take(made)
        attempts, retry_of = np.array(clients.attempts), np.array(clients.retry_of)
    return RunArrays(
        workload,
        budgets,
        Outcomes.of(clients.requests),
        engine="simpy",
        reason=reason,
        learning=Learning.of(fleet.gateway.learning),
        attempts=attempts,
        retry_of=retry_of,
        gpu_logs=[packed(replica.log) for replica in fleet.replicas],
        states=fleet.operations.states if scenario.events else (),
        requeues=fleet.gateway.requeues if scenario.events else None,
    )


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Raise the garbage collector's threshold: a run makes many objects and few cycles."""
    former = gc.get_threshold()
    gc.set_threshold(10_000_000, *former[1:])
    try:
        yield
    finally:
        gc.set_threshold(*former)
