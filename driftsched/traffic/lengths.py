"""Length distributions: how many tokens a prompt or an answer has.

Each is a frozen value object with ``sample(rng, n)``, ``mean``, ``quantile`` and ``cdf``.
A new one is one class here and one line in `LENGTHS`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy import special

from driftsched.core.config import Config, by_kind
from driftsched.core.registry import Registry

__all__ = [
    "LENGTHS",
    "Constant",
    "Empirical",
    "Exponential",
    "Gamma",
    "Length",
    "LengthDistribution",
    "Lognormal",
    "Mixture",
    "Part",
    "Uniform",
    "Weibull",
    "inside",
    "to_tokens",
]

FloatArray = NDArray[np.float64]


class Length(Config):
    """Common base; subclasses define `sample`, `mean`, `quantile` and `cdf`.

    Lengths are in tokens, before they are rounded and cut.
    """

    kind: str

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Draw `n` lengths in tokens, not yet rounded; shape (n,)."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @property
    def mean(self) -> float:
        """Expected length in tokens, before rounding and capping."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def quantile(self, p: FloatArray) -> FloatArray:
        """Length that a share `p` of requests does not exceed; 0 < p < 1, shape of `p`."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def cdf(self, tokens: FloatArray) -> FloatArray:
        """Share of requests that are at most so long; shape of `tokens`."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it


def inside(p: FloatArray) -> FloatArray:
    """Keep probabilities off 0 and 1, where quantiles may be infinite."""
    return np.clip(p, 1e-300, 1 - 1e-16)


def to_tokens(lengths: FloatArray) -> NDArray[np.int64]:
    """Round sampled lengths to whole tokens, at least one."""
    return np.maximum(1, np.rint(lengths)).astype(np.int64)


class Constant(Length):
    """Always `tokens`."""

    kind: Literal["constant"] = "constant"
    tokens: float = Field(ge=1)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return np.full(n, self.tokens)

    @property
    def mean(self) -> float:
        return self.tokens

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.full(np.shape(p), self.tokens)

    def cdf(self, tokens: FloatArray) -> FloatArray:
        return (np.asarray(tokens) >= self.tokens).astype(np.float64)


class Uniform(Length):
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

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(self.low + (self.high - self.low) * p)

    def cdf(self, tokens: FloatArray) -> FloatArray:
        width = self.high - self.low
        if width == 0:
            return (np.asarray(tokens) >= self.low).astype(np.float64)
        return np.clip((tokens - self.low) / width, 0.0, 1.0)


class Exponential(Length):
    """Exponential with the given mean; with constant-rate service this is M/M/1's service."""

    kind: Literal["exponential"] = "exponential"
    mean_tokens: float = Field(ge=1)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.exponential(self.mean_tokens, n)

    @property
    def mean(self) -> float:
        return self.mean_tokens

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(-self.mean_tokens * np.log1p(-p))

    def cdf(self, tokens: FloatArray) -> FloatArray:
        return np.asarray(-np.expm1(-np.maximum(tokens, 0.0) / self.mean_tokens))


class Lognormal(Length):
    """Log-normal: ln(length) ~ N(mu, sigma); the median is exp(mu)."""

    kind: Literal["lognormal"] = "lognormal"
    mu: float = Field(ge=0, le=14)
    sigma: float = Field(gt=0, le=4)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.lognormal(self.mu, self.sigma, n)

    @property
    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.exp(self.mu + self.sigma * special.ndtri(p))

    def cdf(self, tokens: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            score = (np.log(np.maximum(tokens, 0.0)) - self.mu) / self.sigma
        return np.asarray(special.ndtr(score))


class Gamma(Length):
    """Gamma with `shape` and `scale` (tokens); the mean is their product."""

    kind: Literal["gamma"] = "gamma"
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.gamma(self.shape, self.scale, n)

    @property
    def mean(self) -> float:
        return self.shape * self.scale

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(special.gammaincinv(self.shape, p) * self.scale)

    def cdf(self, tokens: FloatArray) -> FloatArray:
        return np.asarray(special.gammainc(self.shape, np.maximum(tokens, 0.0) / self.scale))


class Weibull(Length):
    """Weibull with `shape` and `scale` (tokens)."""

    kind: Literal["weibull"] = "weibull"
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.weibull(self.shape, n) * self.scale

    @property
    def mean(self) -> float:
        return self.scale * math.gamma(1 + 1 / self.shape)

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(self.scale * (-np.log1p(-p)) ** (1 / self.shape))

    def cdf(self, tokens: FloatArray) -> FloatArray:
        return np.asarray(-np.expm1(-((np.maximum(tokens, 0.0) / self.scale) ** self.shape)))


class Empirical(Length):
    """Piecewise linear inverse CDF through evenly spaced quantiles 0 … 1."""

    kind: Literal["empirical"] = "empirical"
    quantiles: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _ascending(self) -> Empirical:
        if any(b < a for a, b in pairwise(self.quantiles)):
            raise ValueError(f"quantiles must ascend, got {list(self.quantiles)}")
        return self

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        grid = np.linspace(0, 1, len(self.quantiles))
        return np.interp(rng.random(n), grid, self.quantiles)

    @property
    def mean(self) -> float:
        q = np.asarray(self.quantiles)
        return float(((q[1:] + q[:-1]) / 2).mean())

    def quantile(self, p: FloatArray) -> FloatArray:
        return np.interp(p, np.linspace(0, 1, len(self.quantiles)), self.quantiles)

    def cdf(self, tokens: FloatArray) -> FloatArray:
        # At a length that many quantiles share, the last of them counts.
        grid, known = np.linspace(0, 1, len(self.quantiles)), np.asarray(self.quantiles)
        at = np.clip(np.searchsorted(known, tokens, side="right") - 1, 0, len(known) - 2)
        width = known[at + 1] - known[at]
        part = np.where(width > 0, (tokens - known[at]) / np.where(width > 0, width, 1.0), 1.0)
        inner = grid[at] + np.clip(part, 0.0, 1.0) * (grid[at + 1] - grid[at])
        return np.where(tokens < known[0], 0.0, np.where(tokens >= known[-1], 1.0, inner))


HALVINGS = 60

if TYPE_CHECKING:
    Simple = Length
else:
    Simple = Annotated[
        Constant | Uniform | Exponential | Lognormal | Gamma | Weibull | Empirical,
        Field(discriminator="kind"),
    ]


class Part(Config):
    """One component of a mixture."""

    weight: float = Field(gt=0, le=1e9, description="in proportion to the others")
    length: Simple


class Mixture(Length):
    """Each length from one of several distributions, chosen by weight."""

    kind: Literal["mixture"] = "mixture"
    parts: tuple[Part, ...] = Field(
        (
            Part(weight=0.7, length=Lognormal(mu=4.0, sigma=0.6)),
            Part(weight=0.3, length=Lognormal(mu=6.0, sigma=0.5)),
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

    def cdf(self, tokens: FloatArray) -> FloatArray:
        parts = np.array([part.length.cdf(tokens) for part in self.parts])
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
LENGTHS.add("constant", Constant)
LENGTHS.add("uniform", Uniform)
LENGTHS.add("exponential", Exponential)
LENGTHS.add("lognormal", Lognormal)
LENGTHS.add("gamma", Gamma)
LENGTHS.add("weibull", Weibull)
LENGTHS.add("empirical", Empirical)
LENGTHS.add("mixture", Mixture)

if TYPE_CHECKING:
    LengthDistribution = Length
else:
    LengthDistribution = by_kind(LENGTHS)
