"""Length distributions: how many tokens a prompt or an answer has.

Each is a frozen value object with ``sample(rng, n)``, ``mean``, ``quantile`` and ``cdf``.
A new one is one class in a module here and one line in `LENGTHS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.workload.lengths.base import Length, to_tokens
from driftsched.workload.lengths.empirical import Empirical
from driftsched.workload.lengths.mixture import Mixture, Part
from driftsched.workload.lengths.simple import (
    Constant,
    Exponential,
    Gamma,
    Lognormal,
    Uniform,
    Weibull,
)

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
    "to_tokens",
]

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
