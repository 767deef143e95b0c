"""What every length distribution has in common: draws, a mean, quantiles, a CDF."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftsched.core.config import Config

__all__ = ["FloatArray", "Length", "inside", "to_tokens"]

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
