"""Length distributions: how many tokens a prompt or an answer has.

Each is a frozen value object with ``sample(rng, n)`` and a declared ``mean``. A new one is one
class here and one line in `LENGTHS`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, Union

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from driftsched.config import Config
from driftsched.registry import Registry

__all__ = [
    "LENGTHS",
    "Constant",
    "Empirical",
    "Exponential",
    "Gamma",
    "LengthDistribution",
    "Lognormal",
    "Uniform",
    "Weibull",
    "to_tokens",
]

FloatArray = NDArray[np.float64]


class _Length(Config):
    """Common base; subclasses define `sample` and `mean`."""

    kind: str

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Draw `n` lengths in tokens, not yet rounded; shape (n,)."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @property
    def mean(self) -> float:
        """Expected length in tokens, before rounding and capping."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it


class Constant(_Length):
    """Always `tokens`."""

    kind: Literal["constant"] = "constant"
    tokens: float = Field(ge=1)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return np.full(n, self.tokens)

    @property
    def mean(self) -> float:
        return self.tokens


class Uniform(_Length):
    """Uniform between `low` and `high` tokens."""

    kind: Literal["uniform"] = "uniform"
    low: float = Field(ge=1)
    high: float = Field(ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.high < self.low:
            raise ValueError(f"high must be >= low ({self.low:g}), got {self.high:g}")
        return self

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.uniform(self.low, self.high, n)

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2


class Exponential(_Length):
    """Exponential with the given mean; with constant-rate service this is M/M/1's service."""

    kind: Literal["exponential"] = "exponential"
    mean_tokens: float = Field(ge=1)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.exponential(self.mean_tokens, n)

    @property
    def mean(self) -> float:
        return self.mean_tokens


class Lognormal(_Length):
    """Log-normal: ln(length) ~ N(mu, sigma); the median is exp(mu)."""

    kind: Literal["lognormal"] = "lognormal"
    mu: float = Field(ge=0, le=14)
    sigma: float = Field(gt=0, le=4)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.lognormal(self.mu, self.sigma, n)

    @property
    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)


class Gamma(_Length):
    """Gamma with `shape` and `scale` (tokens); the mean is their product."""

    kind: Literal["gamma"] = "gamma"
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.gamma(self.shape, self.scale, n)

    @property
    def mean(self) -> float:
        return self.shape * self.scale


class Weibull(_Length):
    """Weibull with `shape` and `scale` (tokens)."""

    kind: Literal["weibull"] = "weibull"
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.weibull(self.shape, n) * self.scale

    @property
    def mean(self) -> float:
        return self.scale * math.gamma(1 + 1 / self.shape)


class Empirical(_Length):
    """Piecewise linear inverse CDF through evenly spaced quantiles 0 … 1."""

    kind: Literal["empirical"] = "empirical"
    quantiles: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _ascending(self) -> Empirical:
        if any(b < a for a, b in zip(self.quantiles, self.quantiles[1:], strict=False)):
            raise ValueError(f"quantiles must ascend, got {list(self.quantiles)}")
        return self

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        grid = np.linspace(0, 1, len(self.quantiles))
        return np.interp(rng.random(n), grid, self.quantiles)

    @property
    def mean(self) -> float:
        q = np.asarray(self.quantiles)
        return float(((q[1:] + q[:-1]) / 2).mean())


LENGTHS: Registry[type[_Length]] = Registry("length distribution")
LENGTHS.add("constant", Constant)
LENGTHS.add("uniform", Uniform)
LENGTHS.add("exponential", Exponential)
LENGTHS.add("lognormal", Lognormal)
LENGTHS.add("gamma", Gamma)
LENGTHS.add("weibull", Weibull)
LENGTHS.add("empirical", Empirical)

if TYPE_CHECKING:
    LengthDistribution = _Length
else:
    LengthDistribution = Annotated[Union[tuple(LENGTHS.values())], Field(discriminator="kind")]


def to_tokens(lengths: FloatArray) -> NDArray[np.int64]:
    """Round sampled lengths to whole tokens, at least one."""
    return np.maximum(1, np.rint(lengths)).astype(np.int64)
