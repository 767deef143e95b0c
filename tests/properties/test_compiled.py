"""The compiled engine gives the SimPy engine's tables."""

from itertools import cycle

from hypothesis import HealthCheck, given, reject, settings

from driftsched.core.errors import ScenarioError
from driftsched.scenario import Scenario, changed, load_scenario, preset_names
from driftsched.simulation.compiled import uncovered
from driftsched.workload import generate
from tests.support.reactive import with_clients
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import POLICIES

LEFT_TO_SIMPY = "scenario events"


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(with_clients())
def test_both_engines_give_the_same_tables(scenario: Scenario) -> None:
    """Otherwise a what-if would answer differently according to which engine happened to run."""
    try:
        workload = generate(scenario)
    except ScenarioError:  # a short phase without a single request
        reject()
    assert_engines_agree(scenario, workload)


def test_both_engines_give_the_same_tables_on_every_preset() -> None:
    """Otherwise the studio's own examples would not be what the reference engine says.

    All policies are covered; the two in turn are run as well, and each has its turn.
    """
    turn = cycle(POLICIES)
    for name in preset_names():
        short, mine = load_scenario(name, scaled(name)), {next(turn), next(turn)}
        workload = generate(short)  # whatever the policy
        for policy in POLICIES:
            scenario = changed(short, policy={"kind": policy})
            missing = uncovered(scenario, workload)
            assert not missing or missing.startswith(LEFT_TO_SIMPY), (
                f"{name} under {policy}: {missing}"
            )
            if not missing and policy in mine:
                assert_engines_agree(scenario, workload)


def scaled(name: str) -> list[str]:
    """Overrides that leave each phase of a preset a few hundred requests."""
    scenario = load_scenario(name)
    if scenario.trace:
        return ["trace.limit=500"]
    return [
        f"phases.{number}.requests={min(phase.requests, 300)}"
        for number, phase in enumerate(scenario.phases)
        if phase.requests
    ]
