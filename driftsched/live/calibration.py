"""Fit the cost model to what a real engine did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares

from driftsched.errors import InputError
from driftsched.live.observe import observe, observe_run
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import CoefficientsConfig

if TYPE_CHECKING:
    from driftsched.live.observations import Observations
    from driftsched.results.tables import RunResult
    from driftsched.serving.iteration import IterationCost

__all__ = ["COEFFICIENTS", "Calibration", "calibrate", "calibrate_requests", "calibrate_run"]

Floats = NDArray[np.float64]
EVERY = ("overhead_s", "weights_s", "token_s")
"""What every iteration costs something of."""
COEFFICIENTS = (*EVERY, "kv_token_s", "attention_s", "request_s", "prompt_s")
ALIKE = ("request_s", "kv_token_s")
"""In a short run these rise and fall with the tokens, and take all of an iteration's time."""
LINEAR = ("overhead_s", "kv_token_s", "attention_s", "request_s", "prompt_s")
FEWEST = 8
ROUNDS = 6
FIRST_NOISE = 0.05
NOTHING = 1e-6
"""A coefficient that explains less than this share of the time is 0."""
ROBUST = 1.5
"""Residuals beyond this many robust standard deviations count less than squared (soft_l1)."""
STALL = 3.0
STARTS = ((0.0, 1.0), (0.5, 0.5), (0.9, 0.1))
"""Where the search starts: share of the usual iteration in overhead and in reading weights."""


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

    Minimises soft_l1 of (predicted − seen) / √(seen · median seen): longer stretches weigh more,
    as their errors average out, and single outliers (a garbage collection, another process) count
    little (SciPy's least_squares, trust-region reflective). Since delays of a real machine go one
    way, that is a little too fast on the whole; so all coefficients are then scaled until predicted
    and seen seconds agree in total, stretches over 3 times as long as predicted (stalls) left out.
    Queues depend on the total.

    Parameters
    ----------
    observations : Observations
        At least 8 stretches.
    source : str
        What was measured, for the provenance.

    Raises
    ------
    InputError
        There are too few observations, or they show no cost of an iteration.
    """
    if len(observations) < FEWEST:
        raise InputError(
            f"observations must be at least {FEWEST} to calibrate from, got {len(observations)}"
        )
    model = _Model(observations)
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


def calibrate_run(result: RunResult, source: str = "") -> Calibration:
    """Calibrate from a run's requests: what is fitted tells the iterations apart, and so on.

    Parameters
    ----------
    result : RunResult
        Live (or simulated) run; only times and lengths of its requests are used.
    source : str
        By default the engine and the model.

    Raises
    ------
    InputError
        Too little finished.
    """
    return _rounds(lambda cost: observe_run(result, cost), source or _source(result))


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


class _Model:
    """Predictions and their derivatives for one set of observations."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.counted = {
            "overhead_s": self._sum(seen.iterations),
            "kv_token_s": seen.kv_tokens,
            "attention_s": seen.squares,
            "request_s": self._sum(seen.iterations * seen.requests),
            "prompt_s": self._sum(seen.iterations * seen.prompts),
        }
        tokens = float(self._sum(seen.iterations * seen.tokens).sum())
        total = float(seen.seconds.sum())
        sizes = {name: float(column.sum()) for name, column in self.counted.items()}
        sizes |= {"weights_s": sizes["overhead_s"], "token_s": tokens}
        # In these units every coefficient alone would explain the whole time.
        self.scale = np.array([total / sizes[n] if sizes[n] else 0.0 for n in COEFFICIENTS])
        self.weight = 1 / np.sqrt(seen.seconds * np.median(seen.seconds))

    def _sum(self, values: NDArray[Any]) -> Floats:
        """Sum parts to their observations."""
        return np.bincount(self.seen.owner, values, len(self.seen)).astype(np.float64)

    def predict(self, values: Floats) -> Floats:
        """Seconds of every observation under the coefficients."""
        known = dict(zip(COEFFICIENTS, values, strict=True))
        linear = np.hypot(known["weights_s"], known["token_s"] * self.seen.tokens)
        predicted = self._sum(self.seen.iterations * linear)
        for name in LINEAR:
            predicted = predicted + known[name] * self.counted[name]
        return predicted

    def _jacobian(self, values: Floats) -> Floats:
        known = dict(zip(COEFFICIENTS, values, strict=True))
        compute = known["token_s"] * self.seen.tokens
        root = np.maximum(np.hypot(known["weights_s"], compute), 1e-300)
        columns = dict(self.counted)
        columns["weights_s"] = self._sum(self.seen.iterations * known["weights_s"] / root)
        columns["token_s"] = self._sum(self.seen.iterations * compute * self.seen.tokens / root)
        return np.column_stack([columns[name] for name in COEFFICIENTS])

    def leave_out(self, name: str) -> None:
        """Fix a coefficient at 0."""
        self.scale[COEFFICIENTS.index(name)] = 0.0

    def best(self) -> Any:
        """Give the best of the searches from all starts."""
        return min((self.search(start) for start in STARTS), key=lambda found: float(found.cost))

    def search(self, start: tuple[float, float]) -> Any:
        """Search from one start, twice: the first search tells how large usual residuals are."""
        guess = np.full(len(COEFFICIENTS), 0.05)
        guess[: len(start)] = np.maximum(start, 0.05)
        found = self._fit(guess, FIRST_NOISE)
        spread = 1.4826 * float(np.median(np.abs(found.fun)))
        return self._fit(np.maximum(found.x, 1e-12), max(ROBUST * spread, 1e-9))

    def _fit(self, guess: Floats, noise: float) -> Any:
        def missed(x: Floats) -> Floats:
            missing: Floats = (self.predict(x * self.scale) - self.seen.seconds) * self.weight
            return missing

        def slopes(x: Floats) -> Floats:
            tilted: Floats = self._jacobian(x * self.scale) * self.weight[:, None] * self.scale
            return tilted

        return least_squares(
            missed,
            guess,
            jac=slopes,
            bounds=(0, np.inf),
            loss="soft_l1",
            f_scale=noise,
            xtol=1e-14,
            ftol=1e-14,
            gtol=1e-14,
            max_nfev=500,
        )

    def balanced(self, values: Floats) -> Floats:
        """Scale coefficients so that seconds agree in total."""
        predicted, seen = self.predict(values), self.seen.seconds
        usual = seen <= STALL * predicted
        total = float(predicted[usual].sum())
        return values * float(seen[usual].sum() / total) if total > 0 else values

    def errors(self, found: Any) -> list[float]:
        """One standard error of each coefficient; NaN where it is at its bound of 0."""
        free = (found.x > NOTHING) & (self.scale > 0)
        errors = np.full(len(COEFFICIENTS), np.nan)
        spare = len(self.seen) - int(free.sum())
        if spare > 0 and free.any():
            jacobian = found.jac[:, free]
            variance = 2 * float(found.cost) / spare
            errors[free] = np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian)) * variance)
        return [float(error) for error in errors * self.scale]

    def table(self, values: Floats) -> pd.DataFrame:
        """Residuals, with what was computed."""
        seen, steps = self.seen, self.counted["overhead_s"]
        return pd.DataFrame(
            {
                "start_s": seen.start_s,
                "seconds": seen.seconds,
                "predicted_s": self.predict(values),
                "iterations": steps.astype(np.int64),
                "tokens": self._sum(seen.iterations * seen.tokens) / steps,
                "requests": self.counted["request_s"] / steps,
                "kv_tokens": seen.kv_tokens / steps,
                "prompts": self.counted["prompt_s"].astype(np.int64),
            }
        )
