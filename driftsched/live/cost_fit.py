"""Least squares for the cost model: coefficients, from how long stretches of iterations took."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from driftsched.core.arrays import Array, Floats
from driftsched.live.observations import Observations

EVERY = ("overhead_s", "weights_s", "token_s")
"""What every iteration costs something of."""
COEFFICIENTS = (*EVERY, "kv_token_s", "attention_s", "request_s", "prompt_s")
LINEAR = ("overhead_s", "kv_token_s", "attention_s", "request_s", "prompt_s")
FIRST_NOISE = 0.05
NOTHING = 1e-6
"""A coefficient that explains less than this share of the time is 0."""
ROBUST = 1.5
"""Residuals beyond this many robust standard deviations count less than squared (soft_l1)."""
STALL = 3.0
STARTS = ((0.0, 1.0), (0.5, 0.5), (0.9, 0.1))
"""Where the search starts: share of the usual iteration in overhead and in reading weights."""


class CostFit:
    """Predictions and their derivatives for one set of observations."""

    def __init__(self, seen: Observations) -> None:
        self._stretches, self._parts = seen.stretches, seen.parts
        self._seconds = seen.stretches["seconds"].to_numpy()
        self._iterations, self._tokens = (
            seen.parts[name].to_numpy() for name in ("iterations", "tokens")
        )
        self.counted = {
            "overhead_s": self._sum(self._iterations),
            "kv_token_s": seen.stretches["kv_tokens"].to_numpy(),
            "attention_s": seen.stretches["squares"].to_numpy(),
            "request_s": self._sum(self._iterations * seen.parts["requests"].to_numpy()),
            "prompt_s": self._sum(self._iterations * seen.parts["prompts"].to_numpy()),
        }
        tokens = float(self._sum(self._iterations * self._tokens).sum())
        total = float(self._seconds.sum())
        sizes = {name: float(column.sum()) for name, column in self.counted.items()}
        sizes |= {"weights_s": sizes["overhead_s"], "token_s": tokens}
        # In these units every coefficient alone would explain the whole time.
        self.scale = np.array([total / sizes[n] if sizes[n] else 0.0 for n in COEFFICIENTS])
        self.weight = 1 / np.sqrt(self._seconds * np.median(self._seconds))

    def _sum(self, values: Array) -> Floats:
        """Sum parts to their observations."""
        return np.bincount(self._parts["stretch"], values, len(self._stretches)).astype(np.float64)

    def predict(self, values: Floats) -> Floats:
        """Seconds of every observation under the coefficients."""
        known = dict(zip(COEFFICIENTS, values, strict=True))
        linear = np.hypot(known["weights_s"], known["token_s"] * self._tokens)
        predicted = self._sum(self._iterations * linear)
        for name in LINEAR:
            predicted = predicted + known[name] * self.counted[name]
        return predicted

    def _jacobian(self, values: Floats) -> Floats:
        known = dict(zip(COEFFICIENTS, values, strict=True))
        compute = known["token_s"] * self._tokens
        root = np.maximum(np.hypot(known["weights_s"], compute), 1e-300)
        columns = dict(self.counted)
        columns["weights_s"] = self._sum(self._iterations * known["weights_s"] / root)
        columns["token_s"] = self._sum(self._iterations * compute * self._tokens / root)
        return np.column_stack([columns[name] for name in COEFFICIENTS])

    def leave_out(self, name: str) -> None:
        """Fix a coefficient at 0."""
        self.scale[COEFFICIENTS.index(name)] = 0.0

    def best(self) -> Any:
        """Give the best of the searches from all starts."""
        return min(map(self._search, STARTS), key=lambda found: float(found.cost))

    def _search(self, start: tuple[float, float]) -> Any:
        """Search from one start, twice: the first search tells how large usual residuals are."""
        guess = np.full(len(COEFFICIENTS), 0.05)
        guess[: len(start)] = np.maximum(start, 0.05)
        found = self._fit(guess, FIRST_NOISE)
        spread = 1.4826 * float(np.median(np.abs(found.fun)))
        return self._fit(np.maximum(found.x, 1e-12), max(ROBUST * spread, 1e-9))

    def _fit(self, guess: Floats, noise: float) -> Any:
        def residuals(x: Floats) -> Floats:
            off: Floats = (self.predict(x * self.scale) - self._seconds) * self.weight
            return off

        def jacobian(x: Floats) -> Floats:
            slopes: Floats = self._jacobian(x * self.scale) * self.weight[:, None] * self.scale
            return slopes

        return least_squares(
            residuals,
            guess,
            jac=jacobian,
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
        predicted, seen = self.predict(values), self._seconds
        usual = seen <= STALL * predicted
        total = float(predicted[usual].sum())
        return values * float(seen[usual].sum() / total) if total > 0 else values

    def errors(self, found: Any) -> list[float]:
        """One standard error of each coefficient; NaN where it is at its bound of 0."""
        free = (found.x > NOTHING) & (self.scale > 0)
        errors = np.full(len(COEFFICIENTS), np.nan)
        spare = len(self._stretches) - int(free.sum())
        if spare > 0 and free.any():
            jacobian = found.jac[:, free]
            variance = 2 * float(found.cost) / spare
            errors[free] = np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian)) * variance)
        return [float(error) for error in errors * self.scale]

    def table(self, values: Floats) -> pd.DataFrame:
        """Residuals, with what was computed."""
        steps = self.counted["overhead_s"]
        return pd.DataFrame(
            {
                "start_s": self._stretches["start_s"],
                "seconds": self._seconds,
                "predicted_s": self.predict(values),
                "iterations": steps.astype(np.int64),
                "tokens": self._sum(self._iterations * self._tokens) / steps,
                "requests": self.counted["request_s"] / steps,
                "kv_tokens": self.counted["kv_token_s"] / steps,
                "prompts": self.counted["prompt_s"].astype(np.int64),
            }
        )
