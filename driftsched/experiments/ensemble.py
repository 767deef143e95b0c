"""Policies × replications on the same requests, as arrays: fast enough to follow a slider."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from driftsched.core.errors import InputError
from driftsched.experiments.traffic import Traffic, traffic_cache
from driftsched.results.tables import build_result
from driftsched.scenario import changed
from driftsched.simulation import run_arrays

if TYPE_CHECKING:
    from driftsched.results.outcomes import RunArrays
    from driftsched.results.tables import RunResult
    from driftsched.scenario import Scenario
    from driftsched.simulation import EngineName

__all__ = ["Ensemble", "engine_for", "part", "run_ensemble", "same_requests"]

Advance = Callable[[float], None]
Measure = Callable[[str, "RunResult"], Any]
STEPS = 200
"""Progress is told about so many times."""
MANY, LONG = 10, 20_000
"""So many runs are many; with so many requests a run is long."""
MOST_AT_ONCE = 1_000_000
"""Longer runs go one after the other: side by side they would fill the memory."""


@dataclass(frozen=True)
class Ensemble:
    """What several policies made of the same replications.

    Attributes
    ----------
    scenarios : dict of str to Scenario
        Name → what was run, in the order asked for; they differ in their policy.
    seeds : tuple of int
        One a replication.
    runs : dict of str to list of RunArrays
        Name → one run a replication, without its logs. All runs of a replication share their
        requests, unless those depend on how they are served (closed loops, retries).
    measured : dict of str to list
        Name → what `run_ensemble` was asked to measure, one a replication.
    """

    scenarios: dict[str, Scenario]
    seeds: tuple[int, ...]
    runs: dict[str, list[RunArrays]]
    measured: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """The first variant's scenario: traffic, tenants and hardware are those of all."""
        return next(iter(self.scenarios.values()))

    @property
    def policies(self) -> list[str]:
        """Names of the variants, in the order asked for."""
        return list(self.scenarios)

    @property
    def requests(self) -> int:
        """Requests in the first replication under the first policy."""
        return len(self.runs[self.policies[0]][0])

    @property
    def engines(self) -> dict[str, tuple[str, str]]:
        """Name → which engine ran it, and why."""
        return {name: (runs[0].engine, runs[0].reason) for name, runs in self.runs.items()}


def engine_for(
    scenario: Scenario, traffic: Traffic, engine: EngineName = "auto"
) -> tuple[str, str]:
    """Say which engine runs a scenario, and why; see `driftsched.simulation.simulate`.

    Raises
    ------
    ScenarioError
        When "compiled" is asked for and does not cover the scenario.
    """
    if engine == "simpy":
        return "simpy", "asked for"
    from driftsched.simulation.compiled import choose

    return choose(scenario, traffic.workload, engine)


def run_ensemble(
    variants: Mapping[str, Scenario],
    replications: int,
    *,
    engine: EngineName = "auto",
    measure: Measure | None = None,
    progress: Advance | None = None,
    threads: bool = True,
) -> Ensemble:
    """Run every variant on the same replications (common random numbers).

    So a difference between two variants comes from what they decide and not from other requests.
    The compiled engine runs in threads, since it lets go of the interpreter; what it does not cover
    runs on the SimPy engine, one run after the other. Both give the same arrays.

    Parameters
    ----------
    variants : mapping of str to Scenario
        Name → scenario; the first one's seed is taken. They must agree in all that makes traffic
        and budgets: phases or trace, tenants, categories, lengths, context, estimator.
    replications : int
        How many: the first scenario's seed, the next number, …
    engine : {"auto", "simpy", "compiled"}
        As in `driftsched.simulation.simulate`.
    measure : callable, optional
        Given the name and the tables of each run, which are not kept; what it returns is. It may be
        called from any thread.
    progress : callable, optional
        Called with the share of the work done, 0 to 1, from any thread; what it raises ends the
        experiment.
    threads : bool
        False runs all in the calling thread, for those who have a process a core.

    Raises
    ------
    InputError
        When no variant is named, `replications` is below 1, or a scenario cannot run.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario, with_policy
    >>> small = load_scenario("paper", ["phases.0.requests=50", "phases.1.requests=150"])
    >>> ensemble = run_ensemble({name: with_policy(small, name) for name in ("fifo", "sjf")}, 2)
    >>> {name: len(runs) for name, runs in ensemble.runs.items()}
    {'fifo': 2, 'sjf': 2}
    """
    if not variants:
        raise InputError("variants must name at least one scenario, got none")
    first = next(iter(variants.values()))
    seeds = _seeds(first, replications)
    traffic = traffic_cache().get(first, seeds)
    wanted = [(name, place) for name in variants for place in range(len(seeds))]
    shares = dict(zip(wanted, _shares(progress, len(wanted)), strict=True))
    requests = len(traffic[0].workload)
    threaded = {
        name
        for name, scenario in variants.items()
        if threads
        and requests <= MOST_AT_ONCE
        and engine_for(scenario, traffic[0], engine)[0] == "compiled"
    }
    # Of many short runs each is told when it has ended: more often would cost more than they do.
    short = threaded if len(wanted) >= MANY and requests < LONG else set()

    def run(name: str, place: int) -> tuple[RunArrays, Any]:
        began = time.perf_counter()
        # The last seed has been checked, so nothing else needs checking again.
        scenario = variants[name].model_copy(update={"seed": seeds[place]})
        share = shares[name, place]
        inside = None if name in short else share
        found = run_arrays(scenario, *traffic[place], progress=inside, engine=engine)
        if share is not None:
            share(1.0)
        if measure is None:
            return found.without_logs(), None
        result = build_result(scenario, found, wall_s=time.perf_counter() - began)
        return found.without_logs(), measure(name, result)

    futures = {each: _workers().submit(run, *each) for each in wanted if each[0] in threaded}
    try:
        found = {each: futures[each].result() if each in futures else run(*each) for each in wanted}
    finally:
        for future in futures.values():
            future.cancel()
    runs, measured = (
        {name: [found[name, place][part] for place in range(len(seeds))] for name in variants}
        for part in (0, 1)
    )
    return Ensemble(dict(variants), seeds, runs, {} if measure is None else measured)


def _seeds(scenario: Scenario, replications: int) -> tuple[int, ...]:
    """The scenario's seed and those that follow it."""
    if replications < 1:
        raise InputError(f"seeds must be >= 1, got {replications}")
    last = changed(scenario, seed=scenario.seed + replications - 1).seed
    return tuple(range(scenario.seed, last + 1))


def same_requests(scenario: Scenario) -> None:
    """Refuse a scenario whose requests depend on how it is served.

    Raises
    ------
    InputError
        Where users send the next request once they have an answer, or send a failed one again: each
        policy is then asked other things, and figures request by request would mix them up.
    """
    rule = "where policies are compared on the same requests"
    for number, phase in enumerate(scenario.phases):
        if phase.closed:
            raise InputError(f"phases[{number}] must have open arrivals {rule}, got a closed loop")
    for number, tenant in enumerate(scenario.tenants):
        if tenant.retries.attempts > 1:
            raise InputError(
                f"tenants[{number}].retries.attempts must be 1 {rule}, got "
                f"{tenant.retries.attempts}"
            )


def part(progress: Advance, done: int, total: int) -> Advance:
    """Give one of several ensembles what it tells its own progress to."""
    return lambda share: progress((done + share) / total)


def _shares(progress: Advance | None, runs: int) -> list[Advance | None]:
    """A function for each run, to be told its share; they tell the share of all, which grows."""
    if progress is None:
        return [None] * runs
    lock, shares, told = Lock(), [0.0] * runs, 0.0

    def advance(place: int, share: float) -> None:
        nonlocal told
        with lock:
            shares[place] = share
            whole = sum(shares) / runs
            if whole >= min(told + 1 / STEPS, 1.0):
                told = whole
                progress(whole)

    return [partial(advance, place) for place in range(runs)]


@cache
def _workers() -> ThreadPoolExecutor:
    """Threads of the compiled engine: as many as cores, shared by all who ask."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="ensemble")
