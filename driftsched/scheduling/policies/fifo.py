"""FIFO: the globally oldest request first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import Policy, PolicySpec, StaticOrder

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Tenant
    from driftsched.scheduling.request import Request

__all__ = ["Fifo", "FifoConfig"]


class Fifo(StaticOrder):
    """Rule: lowest arrival time first. O(log n); the paper's baseline, FCFS elsewhere."""

    elementwise = True

    def order(self, request: Request) -> float:
        return request.arrival_s

    def arrival_weight(self) -> float | None:
        return 1.0


class FifoConfig(PolicySpec):
    """No parameters."""

    kind: Literal["fifo"] = "fifo"

    def build(self, tenants: Sequence[Tenant]) -> Policy:
        return Fifo()
