"""Drift: events that change lengths or the mix while the traffic goes on.

Each kind is a frozen value object; a new one is one class in `kinds` and one line in `DRIFTS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.workload.drift.base import DriftBase, Rows
from driftsched.workload.drift.kinds import (
    HeavyTail,
    MixShift,
    NewModel,
    Ramp,
    RandomWalk,
    Seasonal,
    Step,
)

__all__ = [
    "DRIFTS",
    "DriftBase",
    "DriftEvent",
    "HeavyTail",
    "MixShift",
    "NewModel",
    "Ramp",
    "RandomWalk",
    "Rows",
    "Seasonal",
    "Step",
]

DRIFTS: Registry[type[DriftBase]] = Registry("drift event")
DRIFTS.add("step", Step)
DRIFTS.add("ramp", Ramp)
DRIFTS.add("seasonal", Seasonal)
DRIFTS.add("random_walk", RandomWalk)
DRIFTS.add("new_model", NewModel)
DRIFTS.add("mix_shift", MixShift)
DRIFTS.add("heavy_tail", HeavyTail)

if TYPE_CHECKING:
    DriftEvent = DriftBase
else:
    DriftEvent = by_kind(DRIFTS)
