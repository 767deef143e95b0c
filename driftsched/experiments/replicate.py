"""Variants of a scenario, each run on the same requests, over several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from driftsched.core.errors import InputError
from driftsched.scenario import changed
from driftsched.simulation import simulate
from driftsched.workload import generate

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult
    from driftsched.scenario import Scenario
    from driftsched.simulation.traffic import Progress

__all__ = ["Run", "replications", "seed_numbers"]


class Run(NamedTuple):
    """One run of an experiment.

    Attributes
    ----------
    variant : str
        Its name.
    seed : int
        Of its traffic.
    result : RunResult
        What came of it.
    """

    variant: str
    seed: int
    result: RunResult


def seed_numbers(scenario: Scenario, seeds: int) -> tuple[int, ...]:
    """The scenario's seed and those that follow it.

    Raises
    ------
    InputError
        When `seeds` is below 1.
    """
    if seeds < 1:
        raise InputError(f"seeds must be >= 1, got {seeds}")
    return tuple(range(scenario.seed, scenario.seed + seeds))


def replications(
    variants: Mapping[str, Scenario], seeds: int, progress: Progress | None = None
) -> Iterator[Run]:
    """Run every variant with every seed, all variants of a seed on one workload.

    So a difference between two variants comes from what they decide and not from other requests
    (common random numbers). The variants must agree in all that makes the traffic: phases or trace,
    tenants, categories, lengths, context.

    Parameters
    ----------
    variants : mapping of str to Scenario
        Name → scenario; the first one's seed and traffic are taken.
    seeds : int
        How many: the scenario's seed, the next number, …
    progress : callable, optional
        Called with the share of the work done, 0 to 1; what it raises ends the experiment.

    Yields
    ------
    Run
        Seed by seed, the variants in their order.

    Raises
    ------
    InputError
        When `seeds` is below 1, or a scenario cannot run.
    """
    base = next(iter(variants.values()))
    numbers = seed_numbers(base, seeds)
    total = len(numbers) * len(variants)
    done = 0
    for seed in numbers:
        workload = generate(changed(base, seed=seed))
        for name, scenario in variants.items():
            share = _part(progress, done, total)
            yield Run(
                name,
                seed,
                simulate(changed(scenario, seed=seed), workload, progress=share),
            )
            done += 1
    if progress:
        progress(1.0)


def _part(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Progress of one run as a share of all."""
    return None if progress is None else lambda share: progress((done + share) / total)
