"""A predictor of a chosen quality: the true length with noise."""

from __future__ import annotations

from math import pi, sin, sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from driftsched.core.config import MOST
from driftsched.estimation.predictors.base import Floats, PredictorSpec, Seen

__all__ = ["NoisyOracleConfig", "noise_of"]


class NoisyOracleConfig(PredictorSpec):
    """Rule: base = the true length · exp(σ · N(0, 1)).

    By Kendall's τ σ is that at which predicted and true lengths are so correlated in rank: see
    `noise_of`, with the spread of the lengths at hand.
    """

    label = "Noisy oracle"
    rule = "the true length with log-normal noise, of a chosen size or rank correlation"
    source = "Fu et al. (arXiv 2408.15792), ranks at a chosen Kendall τ"
    foresight = True

    kind: Literal["noisy_oracle"] = "noisy_oracle"
    sigma: float = Field(0.5, ge=0, le=5, description="standard deviation of ln(predicted / true)")
    tau: float | None = Field(
        None, ge=0.05, le=1, description="Kendall's τ of predicted and true lengths, in place of σ"
    )

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        true = np.log(seen.answer)
        sigma = self.sigma
        if self.tau is not None:
            sigma = noise_of(self.tau, float(true.std()))
        return np.exp(np.minimum(true + sigma * rng.standard_normal(len(true)), np.log(MOST)))


def noise_of(tau: float, spread: float) -> float:
    """Standard deviation of the noise at which a log-normal length is predicted with Kendall's τ.

    Of a bivariate normal τ = 2/π · asin ρ, and ρ = spread / √(spread² + σ²).

    Parameters
    ----------
    tau : float
        Above 0, at most 1.
    spread : float
        Standard deviation of ln length.

    Examples
    --------
    >>> round(noise_of(0.64, 1.15), 1)
    0.7
    >>> noise_of(1.0, 1.15)
    0.0
    """
    rho = sin(pi * tau / 2)
    return spread * sqrt(max(1 / rho**2 - 1, 0.0))
