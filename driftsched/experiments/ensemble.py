"""Policies × replications on the same requests, as arrays: fast enough to follow a slider."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftsched.core.errors import InputError
from driftsched.experiments.replicate import seed_numbers
from driftsched.experiments.traffic import Traffic, traffic_cache
from driftsched.results.tables import STATUSES

if TYPE_CHECKING:
    from driftsched.results.outcomes import Outcomes
    from driftsched.results.tables import RunResult
    from driftsched.scenario import Scenario
    from driftsched.simulation import EngineName

__all__ = ["Ensemble", "Outcome", "engine_for", "run_ensemble", "same_requests"]

Floats = NDArray[np.float64]
Advance = Callable[[float], None]
FINISHED = STATUSES.index("finished")


class Outcome(NamedTuple):
    """How one replication went under one policy; arrays (n,) by request id, NaN where it has none.

    `status` counts in `driftsched.results.STATUSES`; `estimate` and `bias` are those at arrival.
    """

    arrival_s: Floats
    dispatch_s: Floats
    first_token_s: Floats
    finish_s: Floats
    status: NDArray[np.int8]
    estimate: NDArray[Any]
    bias: Floats

    def latency(self, metric: str) -> Floats:
        """A latency of each request in seconds, (n,); NaN where it did not finish.

        Parameters
        ----------
        metric : str
            e2e_s, ttft_s or queue_wait_s.
        """
        ends = {"e2e_s": "finish_s", "ttft_s": "first_token_s", "queue_wait_s": "dispatch_s"}
        end: Floats = getattr(self, ends[metric])
        return np.where(self.status == FINISHED, end - self.arrival_s, np.nan)

    @classmethod
    def of_ends(cls, ends: Outcomes) -> Outcome:
        """Take the columns from the compiled engine."""
        return cls(
            ends.arrival_s,
            ends.dispatch_s,
            ends.first_token_s,
            ends.finish_s,
            np.asarray(ends.status.codes, dtype=np.int8),
            ends.estimated_output_tokens,
            ends.bias,
        )

    @classmethod
    def of_run(cls, result: RunResult) -> Outcome:
        """Take the columns from a run's table."""
        table = result.requests
        codes = {name: code for code, name in enumerate(STATUSES)}
        names = table["status"].cat.categories
        known = np.array([codes[str(name)] for name in names], dtype=np.int8)
        return cls(
            table["arrival_s"].to_numpy(np.float64),
            table["dispatch_s"].to_numpy(np.float64),
            table["first_token_s"].to_numpy(np.float64),
            table["finish_s"].to_numpy(np.float64),
            known[table["status"].cat.codes.to_numpy()],
            table["estimated_output_tokens"].to_numpy(),
            table["bias"].to_numpy(np.float64),
        )


@dataclass(frozen=True)
class Ensemble:
    """What several policies made of the same replications.

    Attributes
    ----------
    scenarios : dict of str to Scenario
        Name → what was run, in the order asked for; they differ in their policy.
    seeds : tuple of int
        One a replication.
    traffic : list of Traffic
        The requests of each replication.
    outcomes : dict of str to list of Outcome
        Name → one outcome a replication.
    engines : dict of str to (str, str)
        Name → which engine ran it, and why.
    """

    scenarios: dict[str, Scenario]
    seeds: tuple[int, ...]
    traffic: list[Traffic]
    outcomes: dict[str, list[Outcome]]
    engines: dict[str, tuple[str, str]]

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
        """Requests in the first replication."""
        return len(self.traffic[0].workload)


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

    policy = scenario.policy.build(scenario.tenants)
    return choose(scenario, traffic.workload, policy, engine)


def run_ensemble(
    variants: Mapping[str, Scenario],
    replications: int,
    *,
    engine: EngineName = "auto",
    progress: Advance | None = None,
) -> Ensemble:
    """Run every variant on the same replications (common random numbers).

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
    progress : callable, optional
        Called with the share of the work done, 0 to 1, from any thread; what it raises ends the
        experiment.

    Raises
    ------
    InputError
        When no variant is named, `replications` is below 1, or a scenario cannot run.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario, with_policy
    >>> small = load_scenario("paper", ["phases.0.requests=50", "phases.1.requests=150"])
    >>> ensemble = run_ensemble({name: with_policy(small, name) for name in ("fifo", "sjf")}, 2)
    >>> {name: len(outcomes) for name, outcomes in ensemble.outcomes.items()}
    {'fifo': 2, 'sjf': 2}
    """
    if not variants:
        raise InputError("variants must name at least one scenario, got none")
    first = next(iter(variants.values()))
    same_requests(first)
    seeds = seed_numbers(first, replications)
    traffic = traffic_cache().get(first, seeds)
    engines = {
        name: engine_for(scenario, traffic[0], engine) for name, scenario in variants.items()
    }
    tell = _counted(progress, len(variants) * len(seeds))
    compiled = {name for name, (chosen, _) in engines.items() if chosen == "compiled"}
    outcomes = _outcomes(variants, compiled, list(zip(seeds, traffic, strict=True)), tell)
    return Ensemble(dict(variants), seeds, traffic, outcomes, engines)


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


def _outcomes(
    variants: Mapping[str, Scenario],
    compiled: Collection[str],
    replications: Sequence[tuple[int, Traffic]],
    tell: Callable[[], None],
) -> dict[str, list[Outcome]]:
    """Outcomes by variant; the `compiled` ones are under way before the others begin."""
    submit = _workers().submit
    waiting = {
        name: [submit(_compiled, scenario, *each, tell) for each in replications]
        for name, scenario in variants.items()
        if name in compiled
    }
    outcomes = {}
    try:
        for name, scenario in variants.items():
            if name in waiting:
                outcomes[name] = [future.result() for future in waiting[name]]
            else:
                outcomes[name] = [_simpy(scenario, *each, tell) for each in replications]
    finally:
        for future in chain.from_iterable(waiting.values()):
            future.cancel()
    return outcomes


def _seeded(scenario: Scenario, seed: int) -> Scenario:
    """Another seed, which `seed_numbers` has checked: nothing else needs checking again."""
    return scenario.model_copy(update={"seed": seed})


def _compiled(
    scenario: Scenario, seed: int, requests: Traffic, tell: Callable[[], None]
) -> Outcome:
    from driftsched.simulation.compiled import EstimateError
    from driftsched.simulation.compiled.engine import outcome

    seeded = _seeded(scenario, seed)
    try:
        ends = outcome(seeded, requests.workload, requests.budgets).outcomes
    except EstimateError:
        return _simpy(scenario, seed, requests, tell)
    tell()
    return Outcome.of_ends(ends)


def _simpy(scenario: Scenario, seed: int, requests: Traffic, tell: Callable[[], None]) -> Outcome:
    from driftsched.simulation import simulate

    result = simulate(_seeded(scenario, seed), requests.workload, engine="simpy")
    tell()
    return Outcome.of_run(result)


def _counted(progress: Advance | None, total: int) -> Callable[[], None]:
    """Turn "one more run is done" into a share of all."""
    if progress is None:
        return lambda: None
    done: list[None] = []

    def tell() -> None:
        done.append(None)
        progress(len(done) / total)

    return tell


@cache
def _workers() -> ThreadPoolExecutor:
    """Threads of the compiled engine: as many as cores, shared by all who ask."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="ensemble")
