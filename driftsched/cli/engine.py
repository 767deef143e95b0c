"""The compiled engine, for commands that run a scenario very often."""

from __future__ import annotations

from driftsched.cli.output import tell
from driftsched.scenario import Scenario


def compile_first(scenario: Scenario, runs: int) -> None:
    """Compile the engine once where so many runs are to come: each alone would do without."""
    from driftsched.simulation.compiled import at_hand, warm_up
    from driftsched.simulation.compiled.warm_up import MOST_WITHOUT_WAITING

    each = sum(phase.expected_requests for phase in scenario.phases) or MOST_WITHOUT_WAITING
    if not at_hand() and runs * each > MOST_WITHOUT_WAITING:
        tell("compiling the engine first, which is done once on a machine and takes a minute")
        warm_up()
