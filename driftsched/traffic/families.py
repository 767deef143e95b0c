"""The families of distributions, each once: lengths, durations and gaps are drawn from these.

Parameters that users write, in tokens or seconds, are a `Distribution` that names its family.
Quantiles and shares come from `scipy.special`. `scipy.stats` has them ready-made, but takes a
second to import, which every start of a run would pay; only fits use it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from driftsched.core.config import Config

__all__ = [
    "Constant",
    "Distribution",
    "Exponential",
    "Family",
    "FloatArray",
    "Gamma",
    "Lognormal",
    "Quantiles",
    "Uniform",
    "Weibull",
    "unit_gaps",
]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Quantiles:
    """Straight lines through evenly spaced quantiles 0 … 1, which ascend."""

    quantiles: tuple[float, ...]

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return self.quantile(rng.random(n))

    @property
    def mean(self) -> float:
        q = np.asarray(self.quantiles)
        return float(((q[1:] + q[:-1]) / 2).mean())

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.interp(p, np.linspace(0, 1, len(self.quantiles)), self.quantiles)

    def cdf(self, x: FloatArray) -> FloatArray:
        # At a value that many quantiles share, the last of them counts.
        grid, known = np.linspace(0, 1, len(self.quantiles)), np.asarray(self.quantiles)
        at = np.clip(np.searchsorted(known, x, side="right") - 1, 0, len(known) - 2)
        width = known[at + 1] - known[at]
        part = np.where(width > 0, (x - known[at]) / np.where(width > 0, width, 1.0), 1.0)
        inner = grid[at] + np.clip(part, 0.0, 1.0) * (grid[at + 1] - grid[at])
        return np.where(x < known[0], 0.0, np.where(x >= known[-1], 1.0, inner))


class Uniform(Quantiles):
    """Evenly between two values, drawn by the generator's own `uniform`."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__((low, high))

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        low, high = self.quantiles
        return rng.uniform(low, high, n)


class Constant(Uniform):
    """Always the same value."""

    def __init__(self, value: float) -> None:
        super().__init__(value, value)


@dataclass(frozen=True)
class Lognormal:
    """ln(x) ~ N(mu, sigma); the median is exp(mu)."""

    mu: float
    sigma: float

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.lognormal(self.mu, self.sigma, n)

    @property
    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.exp(self.mu + self.sigma * special.ndtri(p))

    def cdf(self, x: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(special.ndtr((np.log(np.maximum(x, 0.0)) - self.mu) / self.sigma))


@dataclass(frozen=True)
class Gamma:
    """Gamma; the mean is shape · scale, the coefficient of variation 1 / √shape."""

    shape: float
    scale: float

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.gamma(self.shape, self.scale, n)

    @property
    def mean(self) -> float:
        return self.shape * self.scale

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(special.gammaincinv(self.shape, p) * self.scale)

    def cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.gammainc(self.shape, np.maximum(x, 0.0) / self.scale))


@dataclass(frozen=True)
class Weibull:
    """Weibull: P(X > x) = exp(−(x / scale)^shape)."""

    shape: float
    scale: float

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.weibull(self.shape, n) * self.scale

    @property
    def mean(self) -> float:
        return self.scale * math.gamma(1 + 1 / self.shape)

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(self.scale * (-np.log1p(-p)) ** (1 / self.shape))

    def cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(-np.expm1(-((np.maximum(x, 0.0) / self.scale) ** self.shape)))


class Exponential(Weibull):
    """Memoryless: Weibull of shape 1, drawn by the generator's own `exponential`."""

    def __init__(self, mean: float) -> None:
        super().__init__(1.0, mean)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.exponential(self.scale, n)


Family = Quantiles | Lognormal | Gamma | Weibull
"""What each has: `sample(rng, n)`, `mean`, `quantile(p)` and `cdf(x)`."""


class Distribution(Config):
    """A distribution as users write it: its fields after `kind` are its family's parameters."""

    kind: str
    family: ClassVar[Callable[..., Family]]

    @property
    def law(self) -> Family:
        """The family with these parameters."""
        return type(self).family(*(value for name, value in self if name != "kind"))

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Draw `n` values, not yet rounded; shape (n,)."""
        return self.law.sample(rng, n)

    @property
    def mean(self) -> float:
        """Expected value, before rounding and capping."""
        return self.law.mean

    def quantile(self, p: FloatArray) -> FloatArray:
        """Value that a share `p` does not exceed; 0 < p < 1, shape of `p`."""
        return self.law.quantile(p)

    def cdf(self, x: FloatArray) -> FloatArray:
        """Share that is at most `x`; shape of `x`."""
        return self.law.cdf(x)


def unit_gaps(cv: float) -> Family:
    """Gaps of mean 1: exponential for cv 1, else gamma with that coefficient of variation."""
    return Exponential(1.0) if cv == 1 else Gamma(1 / cv**2, 1 / (1 / cv**2))
