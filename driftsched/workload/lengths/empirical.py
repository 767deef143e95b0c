"""Lengths by their measured quantiles."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from driftsched.workload.lengths.base import FloatArray, Length

__all__ = ["Empirical"]


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
