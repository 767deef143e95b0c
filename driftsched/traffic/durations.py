"""Distributions of time: how long users think, how long they wait before they give up.

Each is a frozen value object that names its family (`families`), in seconds. A new one is one
class here and one line in `DURATIONS`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from driftsched.core.config import Config, by_kind
from driftsched.core.registry import Registry
from driftsched.traffic import families
from driftsched.traffic.families import Distribution, Family, FloatArray

__all__ = [
    "DURATIONS",
    "MOST_S",
    "ConstantDuration",
    "Duration",
    "ExponentialDuration",
    "LognormalDuration",
    "Timed",
    "UniformDuration",
    "WeibullDuration",
]

MOST_S = 10_000_000


class Timed(Config):
    """Parameters on a time axis: names of times end in ``_s``, those of rates in ``_rps``."""

    def faster(self, factor: float) -> Self:
        """Return the same with the time axis shortened by `factor`."""
        changed: dict[str, object] = {}
        for name, value in self:
            if value is None or not name.endswith(("_s", "_rps")):
                continue
            every = value if isinstance(value, tuple) else (value,)
            new = tuple(v * factor if name.endswith("_rps") else v / factor for v in every)
            changed[name] = new if isinstance(value, tuple) else new[0]
        return self.model_copy(update=changed)


class _Duration(Distribution, Timed):
    """A distribution of seconds."""


class ConstantDuration(_Duration):
    """Always `seconds`."""

    kind: Literal["constant"] = "constant"
    seconds: float = Field(ge=0, le=MOST_S)
    family: ClassVar = families.Constant

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"seconds": self.seconds / factor})


class UniformDuration(_Duration):
    """Uniform between `low_s` and `high_s`."""

    kind: Literal["uniform"] = "uniform"
    low_s: float = Field(ge=0, le=MOST_S)
    high_s: float = Field(gt=0, le=MOST_S)
    family: ClassVar = families.Uniform

    @model_validator(mode="after")
    def _ordered(self) -> UniformDuration:
        if self.high_s < self.low_s:
            raise ValueError(f"high_s must be >= low_s ({self.low_s:g}), got {self.high_s:g}")
        return self


class ExponentialDuration(_Duration):
    """Exponential with the given mean."""

    kind: Literal["exponential"] = "exponential"
    mean_s: float = Field(gt=0, le=MOST_S)
    family: ClassVar = families.Exponential


class LognormalDuration(_Duration):
    """Log-normal: ln(seconds) ~ N(ln(median_s), sigma)."""

    kind: Literal["lognormal"] = "lognormal"
    median_s: float = Field(gt=0, le=MOST_S)
    sigma: float = Field(gt=0, le=4)

    @property
    def law(self) -> Family:
        return families.Lognormal(math.log(self.median_s), self.sigma)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        # Not the family's draws, whose last bits differ: a seed's tables stay what they were.
        return self.median_s * np.exp(self.sigma * rng.standard_normal(n))


class WeibullDuration(_Duration):
    """Weibull with `shape` and `scale_s`; a shape over 1 is patience that runs out."""

    kind: Literal["weibull"] = "weibull"
    shape: float = Field(ge=0.1, le=100)
    scale_s: float = Field(gt=0, le=MOST_S)
    family: ClassVar = families.Weibull


DURATIONS: Registry[type[_Duration]] = Registry("duration distribution")
DURATIONS.add("constant", ConstantDuration)
DURATIONS.add("uniform", UniformDuration)
DURATIONS.add("exponential", ExponentialDuration)
DURATIONS.add("lognormal", LognormalDuration)
DURATIONS.add("weibull", WeibullDuration)

if TYPE_CHECKING:
    Duration = _Duration
else:
    Duration = by_kind(DURATIONS)
