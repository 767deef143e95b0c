"""Arrival processes: when requests come.

Each is a frozen value object with `times(rng)`, a declared mean `rate` and a rate curve `rate_at`.
A new one is one class in a module here and one line in `ARRIVALS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.traffic.arrivals.base import Arrivals
from driftsched.traffic.arrivals.changing import Diurnal, OnOff, Piecewise
from driftsched.traffic.arrivals.renewal import (
    ClosedLoop,
    GammaGaps,
    Poisson,
    UniformGaps,
    WeibullGaps,
)

__all__ = [
    "ARRIVALS",
    "ArrivalProcess",
    "Arrivals",
    "ClosedLoop",
    "Diurnal",
    "GammaGaps",
    "OnOff",
    "Piecewise",
    "Poisson",
    "UniformGaps",
    "WeibullGaps",
]

ARRIVALS: Registry[type[Arrivals]] = Registry("arrival process")
ARRIVALS.add("uniform", UniformGaps)
ARRIVALS.add("poisson", Poisson)
ARRIVALS.add("gamma", GammaGaps)
ARRIVALS.add("weibull", WeibullGaps)
ARRIVALS.add("mmpp", OnOff)
ARRIVALS.add("diurnal", Diurnal)
ARRIVALS.add("piecewise", Piecewise)
ARRIVALS.add("closed_loop", ClosedLoop)

if TYPE_CHECKING:
    ArrivalProcess = Arrivals
else:
    ArrivalProcess = by_kind(ARRIVALS)
