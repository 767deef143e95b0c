"""The published experiment again: DriftSched, arXiv 2606.02982."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.experiments.assumptions import assumptions
from driftsched.experiments.claims import Evidence, claims_table
from driftsched.experiments.compare import Comparison, collect
from driftsched.experiments.findings import findings
from driftsched.experiments.replicate import Run, replications
from driftsched.results import PooledSample, paired_pool_change
from driftsched.scenario import Scenario, changed, with_policy

if TYPE_CHECKING:
    from driftsched.simulation.traffic import Progress

__all__ = ["PaperResult", "reproduce"]

UNCORRECTED = "sjf, no correction"


@dataclass(frozen=True)
class PaperResult:
    """The published claims beside what the runs gave.

    Attributes
    ----------
    claims : DataFrame
        claim, published_percent, ours_percent, low, high, holds, explanation: see `claims_table`.
    comparison : Comparison
        FIFO and SJF over all seeds.
    assumptions : list of str
        What is ours, a sentence each.
    """

    claims: pd.DataFrame
    comparison: Comparison
    assumptions: list[str]


def reproduce(
    scenario: Scenario,
    *,
    seeds: int = 3,
    unit: str = "words",
    mode: str = "gang",
    lengths: str = "natural",
    progress: Progress | None = None,
) -> PaperResult:
    """Repeat the published experiment and judge each claim.

    Parameters
    ----------
    scenario : Scenario
        The experiment, usually the preset "paper"; its policy does not matter, and its compensator
        is replaced by the paper's EMA unless it is one.
    seeds : int
        Repetitions: the scenario's seed, the next number, …
    unit : str
        What lengths are counted in, words or tokens.
    mode : str
        Batching, gang or continuous.
    lengths : str
        Where answers end, natural or capped.
    progress : callable, optional
        Called with the share of the work done, 0 to 1; what it raises ends the experiment.

    Raises
    ------
    ScenarioError
        When unit, mode or lengths is none of these.
    InputError
        When `seeds` is below 1.
    """
    scenario = _published(scenario, unit, mode, lengths)
    sjf = with_policy(scenario, "sjf")
    variants = {
        "fifo": with_policy(scenario, "fifo"),
        "sjf": sjf,
        UNCORRECTED: changed(sjf, estimator__compensator={"kind": "none"}),
    }
    facts: list[dict[str, str | int | float]] = []
    uncorrected: list[NDArray[np.float64]] = []
    runs = _noted(replications(variants, seeds, progress), facts, uncorrected)
    comparison = collect(scenario, runs)
    corrected, median = comparison.pool("sjf", "p50_e2el_ms")
    correction = paired_pool_change(PooledSample(uncorrected), corrected, median)
    evidence = Evidence(comparison, correction, pd.DataFrame(facts))
    return PaperResult(
        claims_table(evidence),
        comparison,
        assumptions(scenario, evidence.fact("cut_share")[0]),
    )


def _published(scenario: Scenario, unit: str, mode: str, lengths: str) -> Scenario:
    """The experiment with its switches set, the paper's compensator, and what claims speak of."""
    needed = tuple(sorted({*scenario.metrics.percentiles, 50.0, 99.0}))
    scenario = changed(
        scenario,
        estimator__unit=unit,
        engine__mode=mode,
        lengths=lengths,
        metrics__percentiles=needed,
    )
    if scenario.estimator.compensator.kind != "ema":
        scenario = changed(scenario, estimator__compensator={"kind": "ema"})
    return scenario


def _noted(
    runs: Iterable[Run],
    facts: list[dict[str, str | int | float]],
    uncorrected: list[NDArray[np.float64]],
) -> Iterator[Run]:
    """Pass on the runs to compare; note the facts of each, and the latencies uncorrected."""
    for run in runs:
        if run.variant == UNCORRECTED:
            uncorrected.append(run.result.requests["e2e_s"].to_numpy(np.float64))
        else:
            facts.append(findings(run))
            yield run
