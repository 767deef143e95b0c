"""What the compiled engine covers: one check a feature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from driftsched.core.errors import ScenarioError
from driftsched.core.mechanism import Mechanism
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.scenario.model import Scenario
from driftsched.scheduling.policies import (
    POLICIES,
    PlannedPolicy,
    Policy,
    ScorePolicy,
    TenantPolicy,
)
from driftsched.scheduling.routers import ROUTERS
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.simulation.compiled.fields import no_number
from driftsched.simulation.compiled.mechanisms import number_of
from driftsched.simulation.compiled.state import ID_BITS
from driftsched.simulation.compiled.tries import Room
from driftsched.simulation.compiled.warm_up import MOST_WITHOUT_WAITING, at_hand
from driftsched.workload.table import Workload


def choose(
    scenario: Scenario, workload: Workload, engine: str, own: Policy | None = None
) -> tuple[str, str]:
    """Say which engine, of "auto" and "compiled", runs a scenario, and why.

    `own` is a user's own policy object in place of the scenario's.

    Raises
    ------
    ScenarioError
        When the compiled engine was asked for and does not cover the scenario.
    """
    missing = uncovered(scenario, workload, own)
    if missing:
        return "simpy", lacks(missing, engine)
    if engine == "compiled":
        return "compiled", "asked for"
    if len(workload) <= MOST_WITHOUT_WAITING and not at_hand():
        return "simpy", "the compiled engine has not been compiled on this machine yet"
    return "compiled", "covers everything in this scenario"


def lacks(missing: str, engine: str) -> str:
    """Reason why the compiled engine does not run; an error where it was asked for."""
    if engine == "compiled":
        raise ScenarioError(f"engine compiled must cover the scenario, got {missing}")
    return f"the compiled engine does not cover {missing}"


def uncovered(scenario: Scenario, workload: Workload, own: Policy | None = None) -> str:
    """Name the first feature of a scenario that only the SimPy engine has; empty where all is well.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> from driftsched.workload import generate
    >>> scenario = load_scenario("paper")
    >>> uncovered(scenario, generate(scenario))
    ''
    """
    return next(filter(None, _missing(scenario, workload, own)), "")


def _missing(scenario: Scenario, workload: Workload, own: Policy | None) -> Iterator[str]:
    """A text a feature, empty where it is covered."""
    yield _events(scenario)
    yield _size(scenario, workload)
    if own is not None:
        yield f"policy {type(own).__name__}, an object of the caller's own"
    yield _mechanism("policy", scenario.policy, POLICIES, ScorePolicy, TenantPolicy, PlannedPolicy)
    yield _mechanism("compensator", scenario.estimator.compensator, COMPENSATORS)
    yield _mechanism("detector", scenario.estimator.detector, DETECTORS)
    if scenario.cluster.queue == "per_replica":
        yield _mechanism("router", scenario.cluster.router, ROUTERS)
    yield _memory(scenario)


def _events(scenario: Scenario) -> str:
    if scenario.events:
        kinds = dict.fromkeys(event.kind for event in scenario.events)
        return f"scenario events ({', '.join(kinds)})"
    return ""


def _size(scenario: Scenario, workload: Workload) -> str:
    """Iterations and ids share a whole number, and tokens take half of one."""
    room = Room.of(scenario, workload)
    if room.most >= 1 << ID_BITS:
        return f"over {1 << ID_BITS} requests, retries included"
    longest = int((workload.prompt_tokens + workload.max_output_tokens).max())
    tries = int(room.attempts.max())
    iterations = int(workload.output_tokens.sum()) * tries + room.most
    if longest >= 1 << 31 or iterations >= 1 << (63 - ID_BITS):
        return "so many tokens"
    return ""


def _mechanism(what: str, spec: Mechanism, registry: Any, *forms: type[Any]) -> str:
    """Why a mechanism is not there: it says so itself, or cannot be compiled."""
    if spec.simpy_only:
        return f"{what} {spec.kind}: {spec.simpy_only}"
    if all(number_of(spec, registry, form) < 0 for form in forms or (object,)):
        return f"{what} {spec.kind}, which is not registered"
    odd = no_number(spec)
    return f"{what} {spec.kind}, whose {odd} is no number" if odd else ""


def _memory(scenario: Scenario) -> str:
    most = max(kv_capacity_tokens(machine) for machine in scenario.cluster.machines)
    return "" if most < 1 << 31 else f"a KV cache of {most} tokens"
