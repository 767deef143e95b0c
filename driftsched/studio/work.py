"""What the pool's workers do.

Each function imports what it needs when it is called, so that the server can name it without
loading the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.experiments import Comparison, PaperResult
    from driftsched.results.tables import RunResult
    from driftsched.scenario import Scenario

__all__ = ["comparison", "paper", "single_run"]

Progress = Callable[[float], None]


def comparison(
    scenario: Scenario, policies: Sequence[str], seeds: int, *, progress: Progress
) -> Comparison:
    """Run several policies on the same requests; see `driftsched.experiments.compare`."""
    from driftsched.experiments import compare

    return compare(scenario, policies, seeds, progress=progress)


def paper(
    scenario: Scenario, seeds: int, unit: str, mode: str, lengths: str, *, progress: Progress
) -> PaperResult:
    """Repeat the published experiment; see `driftsched.experiments.reproduce`."""
    from driftsched.experiments import reproduce

    return reproduce(
        scenario, seeds=seeds, unit=unit, mode=mode, lengths=lengths, progress=progress
    )


def single_run(scenario: Scenario, *, progress: Progress) -> RunResult:
    """Run the scenario once, under its own policy."""
    from driftsched.simulation import simulate

    return simulate(scenario, progress=progress)
