"""What the pool's workers do.

Each function imports what it needs when it is called, so that the server can name it without
loading the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from driftsched.experiments import Ensemble, PaperResult
    from driftsched.results.tables import RunResult
    from driftsched.scenario import Scenario

__all__ = ["ensemble", "load_sweep", "paper", "repeated", "single_run"]

Progress = Callable[[float], None]


def ensemble(
    replications: int, names: Sequence[str], *scenarios: Scenario, progress: Progress
) -> Ensemble:
    """Run several policies on the same replications; see `driftsched.experiments.run_ensemble`."""
    from driftsched.experiments import run_ensemble

    variants = dict(zip(names, scenarios, strict=True))
    return run_ensemble(variants, replications, progress=progress)


def load_sweep(
    replications: int,
    percentile: float,
    names: Sequence[str],
    *scenarios: Scenario,
    progress: Progress,
) -> pd.DataFrame:
    """Run several policies at several loads; see `driftsched.experiments.load_sweep`."""
    from driftsched.experiments.load_sweep import load_sweep

    variants = dict(zip(names, scenarios, strict=True))
    return load_sweep(variants, replications, percentile=percentile, progress=progress)


def paper(
    scenario: Scenario, seeds: int, unit: str, mode: str, lengths: str, *, progress: Progress
) -> PaperResult:
    """Repeat the published experiment; see `driftsched.experiments.reproduce`."""
    from driftsched.experiments import reproduce

    return reproduce(
        scenario, seeds=seeds, unit=unit, mode=mode, lengths=lengths, progress=progress
    )


def repeated(
    scenario: Scenario, seeds: int, metrics: Sequence[str], *, progress: Progress
) -> dict[str, tuple[float, float, float]]:
    """Figures of a scenario over several seeds; see `driftsched.experiments.repeat`."""
    from driftsched.experiments.repeat import repeat

    return repeat(scenario, seeds, metrics, progress=progress)


def single_run(scenario: Scenario, *, progress: Progress) -> RunResult:
    """Run the scenario once, under its own policy."""
    from driftsched.simulation import simulate

    return simulate(scenario, progress=progress)
