"""Gaps drawn independently from one distribution: between requests, or after an answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from driftsched.traffic import families
from driftsched.traffic.arrivals.base import CHUNK, Arrivals
from driftsched.traffic.durations import Duration, ExponentialDuration
from driftsched.traffic.families import Family, FloatArray

__all__ = ["ClosedLoop", "GammaGaps", "Poisson", "UniformGaps", "WeibullGaps", "weibull_shape"]

LEAST_SHAPE, MOST_SHAPE = 0.1, 100.0


class _Renewal(Arrivals):
    """Common base; subclasses define `gap` and `mean_gap_s`."""

    @property
    def gap(self) -> Family:
        """What gaps are drawn from, in seconds."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def times(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        now = 0.0
        while True:
            chunk = now + np.cumsum(self.gap.sample(rng, CHUNK))
            now = float(chunk[-1])
            yield chunk

    def first(self, rng: np.random.Generator, n: int) -> FloatArray:
        return np.cumsum(self.gap.sample(rng, n))

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

    @property
    def gap(self) -> Family:
        return families.Uniform(self.low_s, self.high_s)

    @property
    def mean_gap_s(self) -> float:
        return self.gap.mean


class _Rated(_Renewal):
    """Common base of renewal processes that are given by their rate."""

    rate_rps: float = Field(gt=0)

    @property
    def mean_gap_s(self) -> float:
        return 1 / self.rate_rps


class Poisson(_Rated):
    """Memoryless arrivals at `rate_rps` requests a second."""

    kind: Literal["poisson"] = "poisson"

    @property
    def gap(self) -> Family:
        return families.Exponential(1 / self.rate_rps)


class GammaGaps(_Rated):
    """Gamma gaps at `rate_rps` with coefficient of variation `cv`; over 1 is bursty."""

    kind: Literal["gamma"] = "gamma"
    cv: float = Field(gt=0, le=50)

    @property
    def gap(self) -> Family:
        shape = 1 / self.cv**2
        return families.Gamma(shape, 1 / (self.rate_rps * shape))


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

    @property
    def gap(self) -> Family:
        shape = self.weibull_shape
        return families.Weibull(shape, self.mean_gap_s / math.gamma(1 + 1 / shape))


class ClosedLoop(Arrivals):
    """`users` who each think, ask, wait for the answer (or for its failure), and think again.

    A user first thinks, then asks. Over tenants that share the process, users are split by the
    tenants' shares; each user stays with one tenant.
    """

    closed: ClassVar[bool] = True
    kind: Literal["closed_loop"] = "closed_loop"
    users: int = Field(ge=1, le=100_000)
    think: Duration = Field(
        ExponentialDuration(mean_s=10.0), description="time between answer and request"
    )

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"think": self.think.faster(factor)})

    @property
    def rate(self) -> float:
        """Requests a second if answers took no time: no run can have more."""
        return self.users / self.think.mean if self.think.mean > 0 else float("inf")


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
