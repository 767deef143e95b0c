"""Lengths of several kinds of requests in one category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from driftsched.core.config import Config
from driftsched.workload.lengths.base import FloatArray, Length
from driftsched.workload.lengths.empirical import Empirical
from driftsched.workload.lengths.simple import (
    Constant,
    Exponential,
    Gamma,
    Lognormal,
    Uniform,
    Weibull,
)

__all__ = ["Mixture", "Part"]

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
