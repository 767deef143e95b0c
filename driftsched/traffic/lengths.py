"""Length distributions: how many tokens a prompt or an answer has.

Each is a frozen value object that names its family (`families`). A new one is one class here and
one line in `LENGTHS`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from driftsched.core.config import Config, by_kind
from driftsched.core.registry import Registry
from driftsched.traffic import families
from driftsched.traffic.families import Distribution, FloatArray

__all__ = [
    "LENGTHS",
    "ConstantLength",
    "EmpiricalLength",
    "ExponentialLength",
    "GammaLength",
    "Length",
    "LengthDistribution",
    "LognormalLength",
    "MixtureLength",
    "Part",
    "UniformLength",
    "WeibullLength",
    "to_tokens",
]


HALVINGS = 60


class Length(Distribution):
    """A distribution of tokens, before they are rounded and cut."""


def to_tokens(lengths: FloatArray) -> NDArray[np.int64]:
    """Round sampled lengths to whole tokens, at least one."""
    return np.maximum(1, np.rint(lengths)).astype(np.int64)


class ConstantLength(Length):
    """Always `tokens`."""

    kind: Literal["constant"] = "constant"
    tokens: float = Field(ge=1)
    family: ClassVar = families.Constant


class UniformLength(Length):
    """Uniform between `low` and `high` tokens."""

    kind: Literal["uniform"] = "uniform"
    low: float = Field(ge=1)
    high: float = Field(ge=1)
    family: ClassVar = families.Uniform

    @model_validator(mode="after")
    def _ordered(self) -> UniformLength:
        if self.high < self.low:
            raise ValueError(f"high must be >= low ({self.low:g}), got {self.high:g}")
        return self


class ExponentialLength(Length):
    """Exponential with the given mean; with constant-rate service this is M/M/1's service."""

    kind: Literal["exponential"] = "exponential"
    mean_tokens: float = Field(ge=1)
    family: ClassVar = families.Exponential


class LognormalLength(Length):
    """Log-normal: ln(length) ~ N(mu, sigma); the median is exp(mu)."""

    kind: Literal["lognormal"] = "lognormal"
    mu: float = Field(ge=0, le=14)
    sigma: float = Field(gt=0, le=4)
    family: ClassVar = families.Lognormal


class GammaLength(Length):
    """Gamma with `shape` and `scale` (tokens); the mean is their product."""

    kind: Literal["gamma"] = "gamma"
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)
    family: ClassVar = families.Gamma


class WeibullLength(Length):
    """Weibull with `shape` and `scale` (tokens)."""

    kind: Literal["weibull"] = "weibull"
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)
    family: ClassVar = families.Weibull


class EmpiricalLength(Length):
    """Piecewise linear inverse CDF through evenly spaced quantiles 0 … 1."""

    kind: Literal["empirical"] = "empirical"
    quantiles: tuple[float, ...] = Field(min_length=2)
    family: ClassVar = families.Quantiles

    @model_validator(mode="after")
    def _ascending(self) -> EmpiricalLength:
        if any(b < a for a, b in pairwise(self.quantiles)):
            raise ValueError(f"quantiles must ascend, got {list(self.quantiles)}")
        return self


if TYPE_CHECKING:
    Simple = Length
else:
    Simple = Annotated[
        ConstantLength
        | UniformLength
        | ExponentialLength
        | LognormalLength
        | GammaLength
        | WeibullLength
        | EmpiricalLength,
        Field(discriminator="kind"),
    ]


class Part(Config):
    """One component of a mixture."""

    weight: float = Field(gt=0, le=1e9, description="in proportion to the others")
    length: Simple


class MixtureLength(Length):
    """Each length from one of several distributions, chosen by weight."""

    kind: Literal["mixture"] = "mixture"
    parts: tuple[Part, ...] = Field(
        (
            Part(weight=0.7, length=LognormalLength(mu=4.0, sigma=0.6)),
            Part(weight=0.3, length=LognormalLength(mu=6.0, sigma=0.5)),
        ),
        min_length=1,
        max_length=20,
    )

    def _weights(self) -> FloatArray:
        weights = np.array([part.weight for part in self.parts])
        return np.asarray(weights / weights.sum())

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        choice, *streams = rng.spawn(1 + len(self.parts))
        bounds = np.cumsum(self._weights())[:-1]
        which = np.searchsorted(bounds, choice.random(n), side="right")
        drawn = [part.length.sample(own, n) for part, own in zip(self.parts, streams, strict=True)]
        return np.asarray(np.choose(which, drawn)) if len(drawn) > 1 else drawn[0]

    @property
    def mean(self) -> float:
        return float(self._weights() @ [part.length.mean for part in self.parts])

    def cdf(self, x: FloatArray) -> FloatArray:
        parts = np.array([part.length.cdf(x) for part in self.parts])
        return np.tensordot(self._weights(), parts, axes=1)

    def quantile(self, p: FloatArray) -> FloatArray:
        # It lies between the quantiles of the parts; halving finds where the CDF reaches p.
        each = np.array([part.length.quantile(p) for part in self.parts])
        low, high = each.min(axis=0), each.max(axis=0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            under = self.cdf(middle) < p
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray(high)


LENGTHS: Registry[type[Length]] = Registry("length distribution")
LENGTHS.add("constant", ConstantLength)
LENGTHS.add("uniform", UniformLength)
LENGTHS.add("exponential", ExponentialLength)
LENGTHS.add("lognormal", LognormalLength)
LENGTHS.add("gamma", GammaLength)
LENGTHS.add("weibull", WeibullLength)
LENGTHS.add("empirical", EmpiricalLength)
LENGTHS.add("mixture", MixtureLength)

if TYPE_CHECKING:
    LengthDistribution = Length
else:
    LengthDistribution = by_kind(LENGTHS)
