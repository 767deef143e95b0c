"""Distributions of time: how long users think, how long they wait before they give up.

Each is a frozen value object with ``sample(rng, n)`` in seconds and a declared ``mean``. A new one
is one class here and one line in `DURATIONS`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from driftsched.core.config import Config, by_kind
from driftsched.core.registry import Registry

__all__ = ["DURATIONS", "Constant", "Duration", "Exponential", "Lognormal", "Uniform", "Weibull"]

FloatArray = NDArray[np.float64]
MOST_S = 10_000_000


class _Duration(Config):
    """Common base; subclasses define `sample`, `mean` and `faster`."""

    kind: str

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Draw `n` durations in seconds; shape (n,)."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @property
    def mean(self) -> float:
        """Expected duration in seconds."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def faster(self, factor: float) -> Self:
        """Return the same distribution with all durations divided by `factor`."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it


class Constant(_Duration):
    """Always `seconds`."""

    kind: Literal["constant"] = "constant"
    seconds: float = Field(ge=0, le=MOST_S)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return np.full(n, self.seconds)

    @property
    def mean(self) -> float:
        return self.seconds

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"seconds": self.seconds / factor})


class Uniform(_Duration):
    """Uniform between `low_s` and `high_s`."""

    kind: Literal["uniform"] = "uniform"
    low_s: float = Field(ge=0, le=MOST_S)
    high_s: float = Field(gt=0, le=MOST_S)

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.high_s < self.low_s:
            raise ValueError(f"high_s must be >= low_s ({self.low_s:g}), got {self.high_s:g}")
        return self

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.uniform(self.low_s, self.high_s, n)

    @property
    def mean(self) -> float:
        return (self.low_s + self.high_s) / 2

    def faster(self, factor: float) -> Self:
        return self.model_copy(
            update={"low_s": self.low_s / factor, "high_s": self.high_s / factor}
        )


class Exponential(_Duration):
    """Exponential with the given mean."""

    kind: Literal["exponential"] = "exponential"
    mean_s: float = Field(gt=0, le=MOST_S)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.exponential(self.mean_s, n)

    @property
    def mean(self) -> float:
        return self.mean_s

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"mean_s": self.mean_s / factor})


class Lognormal(_Duration):
    """Log-normal: ln(seconds) ~ N(ln(median_s), sigma)."""

    kind: Literal["lognormal"] = "lognormal"
    median_s: float = Field(gt=0, le=MOST_S)
    sigma: float = Field(gt=0, le=4)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return self.median_s * np.exp(self.sigma * rng.standard_normal(n))

    @property
    def mean(self) -> float:
        return self.median_s * math.exp(self.sigma**2 / 2)

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"median_s": self.median_s / factor})


class Weibull(_Duration):
    """Weibull with `shape` and `scale_s`; a shape over 1 is patience that runs out."""

    kind: Literal["weibull"] = "weibull"
    shape: float = Field(ge=0.1, le=100)
    scale_s: float = Field(gt=0, le=MOST_S)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.weibull(self.shape, n) * self.scale_s

    @property
    def mean(self) -> float:
        return self.scale_s * math.gamma(1 + 1 / self.shape)

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"scale_s": self.scale_s / factor})


DURATIONS: Registry[type[_Duration]] = Registry("duration distribution")
DURATIONS.add("constant", Constant)
DURATIONS.add("uniform", Uniform)
DURATIONS.add("exponential", Exponential)
DURATIONS.add("lognormal", Lognormal)
DURATIONS.add("weibull", Weibull)

if TYPE_CHECKING:
    Duration = _Duration
else:
    Duration = by_kind(DURATIONS)
