"""What the compiled engine covers: one check a feature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from driftsched.core.errors import ScenarioError
from driftsched.scheduling.policies import StaticOrder
from driftsched.scheduling.policies.weighted import Weighted
from driftsched.serving.iteration import IterationCost
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.serving.table import TableCost
from driftsched.simulation.compiled.compensators import NUMERIC
from driftsched.simulation.compiled.keys import arrival_weight, is_static
from driftsched.simulation.compiled.routers import NUMBERED
from driftsched.simulation.compiled.tries import Room
from driftsched.simulation.compiled.warm_up import MOST_WITHOUT_WAITING, at_hand
from driftsched.simulation.compiled.world import ID_BITS

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.workload.table import Workload

__all__ = ["choose", "lacks", "uncovered"]


def choose(scenario: Scenario, workload: Workload, policy: Policy, engine: str) -> tuple[str, str]:
    """Say which engine runs a scenario, and why.

    Parameters
    ----------
    scenario, workload, policy : what is run
    engine : {"auto", "compiled"}
        What was asked for.

    Raises
    ------
    ScenarioError
        When the compiled engine was asked for and does not cover the scenario.
    """
    missing = uncovered(scenario, workload, policy)
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


def uncovered(scenario: Scenario, workload: Workload, policy: Policy) -> str:
    """Name the first feature of a scenario that only the SimPy engine has; empty where all is well.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> from driftsched.workload import generate
    >>> scenario = load_scenario("paper")
    >>> uncovered(scenario, generate(scenario), scenario.policy.build(scenario.tenants))
    ''
    """
    return next(filter(None, _missing(scenario, workload, policy)), "")


def _missing(scenario: Scenario, workload: Workload, policy: Policy) -> Iterator[str]:
    """A text a feature, empty where it is covered."""
    yield _events(scenario)
    yield _size(scenario, workload)
    yield _policy(policy, making=Room.of(scenario, workload).making)
    yield _compensator(scenario)
    yield _cost(scenario)
    yield _memory(scenario)
    yield _router(scenario)


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


def _policy(policy: Policy, *, making: bool) -> str:
    name = type(policy).__name__
    if type(policy) is Weighted:
        return ""
    if not isinstance(policy, StaticOrder) or not is_static(policy):
        return f"policy {name}, whose order is not a key a request"
    if making and arrival_weight(policy) is None:
        return f"policy {name}, which does not say what an arrival is worth"
    return ""


def _compensator(scenario: Scenario) -> str:
    spec = scenario.estimator.compensator
    return "" if type(spec) in NUMERIC else f"compensator {spec.kind}"


def _cost(scenario: Scenario) -> str:
    costs = {type(machine.build_cost()) for machine in scenario.cluster.machines}
    other = costs - {IterationCost, TableCost}
    return f"cost model {other.pop().__name__}" if other else ""


def _memory(scenario: Scenario) -> str:
    most = max(kv_capacity_tokens(machine) for machine in scenario.cluster.machines)
    return "" if most < 1 << 31 else f"a KV cache of {most} tokens"


def _router(scenario: Scenario) -> str:
    router = scenario.cluster.router
    used = scenario.cluster.queue == "per_replica"
    return f"router {router.kind}" if used and type(router) not in NUMBERED else ""
