"""Renewal processes: gaps drawn independently from one distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from driftsched.traffic.arrivals.base import CHUNK, Arrivals, FloatArray

__all__ = ["GammaGaps", "Poisson", "UniformGaps", "WeibullGaps", "unit_gaps", "weibull_shape"]

LEAST_SHAPE, MOST_SHAPE = 0.1, 100.0


def unit_gaps(rng: np.random.Generator, n: int, cv: float) -> FloatArray:
    """Draw `n` gaps of mean 1: exponential for cv 1, else gamma with that variation."""
    if cv == 1:
        return rng.exponential(1.0, n)
    shape = 1 / cv**2
    return rng.gamma(shape, 1 / shape, n)


class _Renewal(Arrivals):
    """Common base; subclasses define `gaps` and `mean_gap_s`."""

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Draw `n` gaps in seconds; shape (n,)."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def times(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        now = 0.0
        while True:
            chunk = now + np.cumsum(self.gaps(rng, CHUNK))
            now = float(chunk[-1])
            yield chunk

    def first(self, rng: np.random.Generator, n: int) -> FloatArray:
        return np.cumsum(self.gaps(rng, n))

    @property
    def rate(self) -> float:
        return 1 / self.mean_gap_s


class UniformGaps(_Renewal):
    """Gaps drawn uniformly between `low_s` and `high_s`, as in the paper's load generator."""

    kind: Literal["uniform"] = "uniform"
    low_s: float = Field(ge=0)
    high_s: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> UniformGaps:
        if self.high_s < self.low_s:
            raise ValueError(f"high_s must be >= low_s ({self.low_s:g}), got {self.high_s:g}")
        return self

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.uniform(self.low_s, self.high_s, n)

    def faster(self, factor: float) -> Self:
        return self.model_copy(
            update={"low_s": self.low_s / factor, "high_s": self.high_s / factor}
        )

    @property
    def mean_gap_s(self) -> float:
        return (self.low_s + self.high_s) / 2


class _Rated(_Renewal):
    """Common base of renewal processes that are given by their rate."""

    rate_rps: float = Field(gt=0)

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"rate_rps": self.rate_rps * factor})

    @property
    def mean_gap_s(self) -> float:
        return 1 / self.rate_rps


class Poisson(_Rated):
    """Memoryless arrivals at `rate_rps` requests a second."""

    kind: Literal["poisson"] = "poisson"

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.exponential(1 / self.rate_rps, n)


class GammaGaps(_Rated):
    """Gamma gaps at `rate_rps` with coefficient of variation `cv`; over 1 is bursty."""

    kind: Literal["gamma"] = "gamma"
    cv: float = Field(gt=0, le=50)

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        shape = 1 / self.cv**2
        return rng.gamma(shape, 1 / (self.rate_rps * shape), n)


class WeibullGaps(_Rated):
    """Weibull gaps at `rate_rps`, given by their coefficient of variation `cv` or their `shape`.

    A shape under 1 (cv over 1) makes bursts with heavier pauses than gamma gaps of the same cv.
    """

    kind: Literal["weibull"] = "weibull"
    cv: float | None = Field(None, ge=0.02, le=50)
    shape: float | None = Field(None, ge=LEAST_SHAPE, le=MOST_SHAPE)

    @model_validator(mode="after")
    def _one(self) -> WeibullGaps:
        if self.cv is not None and self.shape is not None:
            raise ValueError("needs at most one of cv and shape (neither is cv 1), got both")
        return self

    @property
    def weibull_shape(self) -> float:
        """The shape, found from the cv where that is given."""
        if self.shape is not None:
            return self.shape
        return weibull_shape(1.0 if self.cv is None else self.cv)

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        shape = self.weibull_shape
        scale = self.mean_gap_s / math.gamma(1 + 1 / shape)
        return rng.weibull(shape, n) * scale


def weibull_shape(cv: float) -> float:
    """Shape of a Weibull distribution with coefficient of variation `cv`, from 0.02 to 50.

    Examples
    --------
    >>> round(weibull_shape(1.0), 9)
    1.0
    """
    low, high = 0.1, 200.0
    target = math.log1p(cv * cv)
    for _ in range(100):
        middle = math.sqrt(low * high)
        found = math.lgamma(1 + 2 / middle) - 2 * math.lgamma(1 + 1 / middle)
        low, high = (middle, high) if found > target else (low, middle)
    return math.sqrt(low * high)
