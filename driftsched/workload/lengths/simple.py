"""Length distributions with a few parameters."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field, model_validator
from scipy import special

from driftsched.workload.lengths.base import FloatArray, Length

__all__ = ["Constant", "Exponential", "Gamma", "Lognormal", "Uniform", "Weibull"]


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
