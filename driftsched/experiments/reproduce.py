"""The published experiment again: DriftSched, arXiv 2606.02982."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from driftsched.experiments.assumptions import assumptions
from driftsched.experiments.claims import RATIO, Evidence, claims_table
from driftsched.experiments.compare import Comparison, RunTables, run_tables
from driftsched.experiments.ensemble import run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.experiments.papers.base import Reproduction
from driftsched.results import (
    RunResult,
    estimation_error,
    paired_pool_change,
    replay,
    without_compensation,
)
from driftsched.results.tables import finished_rows
from driftsched.scenario import Scenario, changed, with_policy

if TYPE_CHECKING:
    from driftsched.gateway.interfaces import Progress

__all__ = ["PaperResult", "findings", "published", "reproduce"]

UNCORRECTED = "sjf, no correction"


@dataclass(frozen=True)
class PaperResult(Reproduction):
    """The published claims beside what the runs gave.

    Attributes
    ----------
    comparison : Comparison
        FIFO and SJF over all seeds.
    """

    comparison: Comparison


def reproduce(
    scenario: Scenario,
    *,
    seeds: int = 10,
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
    scenario = published(scenario, unit, mode, lengths)
    sjf = with_policy(scenario, "sjf")
    variants = {
        "fifo": with_policy(scenario, "fifo"),
        "sjf": sjf,
        UNCORRECTED: changed(sjf, estimator__compensator={"kind": "none"}),
    }
    facts: dict[tuple[int, str], dict[str, str | int | float]] = {}

    def measure(variant: str, result: RunResult) -> RunTables | None:
        if variant == UNCORRECTED:
            return None
        facts[result.scenario.seed, variant] = findings(variant, result)
        return run_tables(result, scenario.seed)

    ensemble = run_ensemble(variants, seeds, measure=measure, progress=progress)
    comparison = Comparison.of(scenario, ensemble, ["fifo", "sjf"])
    corrected, median = comparison.pool("sjf", "p50_e2el_ms")
    uncorrected = Figures(ensemble).pool(UNCORRECTED, "e2e_s")
    correction = paired_pool_change(uncorrected, corrected, median)
    known = pd.DataFrame([facts[key] for key in sorted(facts)])
    evidence = Evidence(comparison, correction, known)
    return PaperResult(
        claims_table(evidence),
        assumptions(scenario, evidence.fact("cut_share")[0]),
        comparison.metrics,
        comparison,
    )


def published(scenario: Scenario, unit: str, mode: str, lengths: str) -> Scenario:
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


def findings(variant: str, result: RunResult) -> dict[str, str | int | float]:
    """Facts of one run that explain the claims, over its finished requests.

    Returns
    -------
    dict
        variant and seed; slot_use, the share of all steps of all requests in a gang that give a
        token (1 in a gang of equal lengths); cut_share, answers that end at their maximum;
        token_ratio and counted_ratio, the mean of actual over base length in tokens and in the
        estimator's unit; ratio_<category>, the latter by category as classified; mae_change and
        rmse_change, what the scenario's own compensator would change if all tenants had a
        safety factor of 1.
    """
    rows = finished_rows(result.requests)
    tokens = rows["output_tokens"].to_numpy(np.float64)
    base = rows["base_tokens"].to_numpy(np.float64)
    ratio = rows["counted_output_tokens"] / rows["base_tokens"]
    by_category = ratio.groupby(rows["predicted_category"], observed=False).mean()
    even = rows.assign(safety_factor=1.0)
    actual = rows["counted_output_tokens"].to_numpy(np.int64)
    before = estimation_error(without_compensation(even, result.scenario), actual)
    after = estimation_error(
        replay(even, result.scenario, result.scenario.estimator.compensator), actual
    )
    facts: dict[str, str | int | float] = {
        "variant": variant,
        "seed": result.scenario.seed,
        "slot_use": _slot_use(rows),
        "cut_share": float((rows["output_tokens"] == rows["max_output_tokens"]).mean()),
        "token_ratio": float((tokens / base).mean()),
        "counted_ratio": float(ratio.mean()),
        "mae_change": _change(before["mae"], after["mae"]),
        "rmse_change": _change(before["rmse"], after["rmse"]),
    }
    return facts | {f"{RATIO}{name}": float(value) for name, value in by_category.items()}


def _slot_use(rows: pd.DataFrame) -> float:
    gangs = rows.groupby(["replica", "batch_id"])["output_tokens"]
    steps = float((gangs.size() * gangs.max()).sum())
    return float(rows["output_tokens"].sum()) / steps if steps else float(np.nan)


def _change(before: float, after: float) -> float:
    return after / before - 1 if before else float(np.nan)
