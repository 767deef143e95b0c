"""Fit the cost model to what a real engine did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from driftsched.core.errors import InputError
from driftsched.live.cost_fit import COEFFICIENTS, EVERY, NOTHING, CostFit
from driftsched.live.observations import Observations, observe, observe_run
from driftsched.results.tables import RunResult
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import CoefficientsConfig
from driftsched.serving.iteration import IterationCost

ALIKE = ("request_s", "kv_token_s")
"""In a short run these rise and fall with the tokens, and take all of an iteration's time."""
FEWEST = 8
ROUNDS = 6


@dataclass(frozen=True)
class Calibration:
    """Coefficients of an engine, and how well they explain what it did.

    Attributes
    ----------
    coefficients, errors : mapping
        `COEFFICIENTS` → seconds, and one standard error of each; NaN where it cannot be told.
    residuals : DataFrame
        One row an observation: start_s, seconds, predicted_s, iterations, tokens (per iteration),
        requests, kv_tokens (per iteration), prompts.
    handover_iterations : float
        See `Observations`; NaN is unknown.
    source : str
        What was measured.
    """

    coefficients: Mapping[str, float]
    errors: Mapping[str, float]
    residuals: pd.DataFrame
    handover_iterations: float
    source: str = ""

    @property
    def fit(self) -> dict[str, float]:
        """Observations, iterations in them, R², relative errors: median, P90, of the total."""
        seen = self.residuals["seconds"].to_numpy(np.float64)
        missed = self.residuals["predicted_s"].to_numpy(np.float64) - seen
        spread = len(seen) * float(seen.var())
        # Less is rounding, and nothing to explain.
        varied = spread > NOTHING**2 * float((seen**2).sum())
        relative = np.abs(missed) / seen
        return {
            "observations": len(seen),
            "iterations": int(self.residuals["iterations"].sum()),
            "r2": 1 - float((missed**2).sum()) / spread if varied else float("nan"),
            "median_relative_error": float(np.median(relative)),
            "p90_relative_error": float(np.percentile(relative, 90)),
            "total_relative_error": float(missed.sum() / seen.sum()),
        }

    def cost(self) -> CoefficientsConfig:
        """The coefficients as a cost model of any scenario."""
        fit = self.fit
        said = (
            f"{self.source + ': ' if self.source else ''}fitted to {fit['observations']:.0f} "
            f"stretches of iterations, median error {100 * fit['median_relative_error']:.1f} %"
        )
        return CoefficientsConfig.model_validate({**self.coefficients, "provenance": said[:500]})


def calibrate(observations: Observations, source: str = "") -> Calibration:
    """Fit non-negative coefficients, robustly.

    Minimises soft_l1 of (predicted − seen) / √(seen · median seen): longer stretches weigh more, as
    their errors average out, and single outliers (a garbage collection, another process) count
    little (SciPy's least_squares, trust-region reflective). Since delays of a real machine go one
    way, that is a little too fast on the whole; so all coefficients are then scaled until predicted
    and seen seconds agree in total, stretches over 3 times as long as predicted (stalls) left out.
    Queues depend on the total. `source` says what was measured, for the provenance.

    Raises
    ------
    InputError
        There are fewer than 8 observations, or they show no cost of an iteration.
    """
    if len(observations) < FEWEST:
        raise InputError(
            f"observations must be at least {FEWEST} to calibrate from, got {len(observations)}"
        )
    model = CostFit(observations)
    found = model.best()
    for name in ALIKE:
        if not _per_iteration(found):
            model.leave_out(name)
            found = model.best()
    if not _per_iteration(found):
        raise InputError(
            "observations must show what an iteration or its tokens cost, got none in "
            f"{len(observations)} stretches; measure a longer run, or one of various batch sizes"
        )
    values = model.balanced(np.where(found.x > NOTHING, found.x, 0.0) * model.scale)
    return Calibration(
        coefficients=dict(zip(COEFFICIENTS, map(float, values), strict=True)),
        errors=dict(zip(COEFFICIENTS, model.errors(found), strict=True)),
        residuals=model.table(values),
        handover_iterations=observations.handover_iterations,
        source=source,
    )


def _per_iteration(found: Any) -> bool:
    """Whether every iteration takes time, as the simulator needs it."""
    return bool((found.x[: len(EVERY)] > NOTHING).any())


def calibrate_run(result: RunResult) -> Calibration:
    """Calibrate from times and lengths of a run's requests, live or simulated.

    What is fitted tells the iterations apart, and so on.

    Raises
    ------
    InputError
        Too little finished.
    """
    return _rounds(lambda cost: observe_run(result, cost), _source(result))


def calibrate_requests(requests: pd.DataFrame, source: str = "") -> Calibration:
    """Calibrate from requests of one replica, as `observe` takes them."""
    return _rounds(lambda cost: observe(requests, cost), source)


def _rounds(look: Callable[[IterationCost | None], Observations], source: str) -> Calibration:
    """Observe and fit in turn, until a round changes nothing."""
    found = calibrate(look(None), source)
    for _ in range(ROUNDS):
        before = found
        # Coefficients are the same on every GPU and for every model.
        cost = found.cost().build(GPUS["L4"], MODELS["llama-3-8b"])
        found = calibrate(look(cost), source)
        if found.fit == before.fit:
            break
    return found


def _source(result: RunResult) -> str:
    facts = (result.provenance.get("live") or {}).get("engine") or {}
    words = [str(facts[name]) for name in ("model", "server", "gpu") if facts.get(name)]
    return ", ".join(words) or str(result.provenance.get("engine", ""))
