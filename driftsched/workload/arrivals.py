"""Arrival processes: the gaps between requests.

Each is a frozen value object with ``gaps(rng, n)`` and a declared ``mean_gap_s``. A new one is one
class here and one line in `ARRIVALS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Union

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from driftsched.config import Config
from driftsched.registry import Registry

__all__ = ["ARRIVALS", "ArrivalProcess", "GammaGaps", "Poisson", "UniformGaps"]

FloatArray = NDArray[np.float64]


class _Arrivals(Config):
    """Common base; subclasses define `gaps` and `mean_gap_s`."""

    kind: str

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Draw `n` gaps in seconds; shape (n,)."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @property
    def mean_gap_s(self) -> float:
        """Expected gap in seconds."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @property
    def rate(self) -> float:
        """Expected arrivals a second."""
        return 1 / self.mean_gap_s


class UniformGaps(_Arrivals):
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

    @property
    def mean_gap_s(self) -> float:
        return (self.low_s + self.high_s) / 2


class Poisson(_Arrivals):
    """Memoryless arrivals at `rate_rps` requests a second."""

    kind: Literal["poisson"] = "poisson"
    rate_rps: float = Field(gt=0)

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        return rng.exponential(1 / self.rate_rps, n)

    @property
    def mean_gap_s(self) -> float:
        return 1 / self.rate_rps


class GammaGaps(_Arrivals):
    """Gamma gaps at `rate_rps`, coefficient of variation `cv`: above 1 is bursty, 1 is Poisson."""

    kind: Literal["gamma"] = "gamma"
    rate_rps: float = Field(gt=0)
    cv: float = Field(gt=0, le=50)

    def gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        shape = 1 / self.cv**2
        return rng.gamma(shape, 1 / (self.rate_rps * shape), n)

    @property
    def mean_gap_s(self) -> float:
        return 1 / self.rate_rps


ARRIVALS: Registry[type[_Arrivals]] = Registry("arrival process")
ARRIVALS.add("uniform", UniformGaps)
ARRIVALS.add("poisson", Poisson)
ARRIVALS.add("gamma", GammaGaps)

if TYPE_CHECKING:
    ArrivalProcess = _Arrivals
else:
    ArrivalProcess = Annotated[Union[tuple(ARRIVALS.values())], Field(discriminator="kind")]
