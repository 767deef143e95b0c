"""Priority: strict tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import Policy, PolicySpec, StaticOrder

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Tenant
    from driftsched.scheduling.request import Request

__all__ = ["Priority", "PriorityConfig"]


class Priority(StaticOrder):
    """Rule: premium before standard before batch, FIFO inside a tier; lower tiers can starve.

    O(log n). Without preemption this is Cobham's queue.
    """

    elementwise = True

    def order(self, request: Request) -> float:
        return request.rank

    def arrival_weight(self) -> float | None:
        return 0.0


class PriorityConfig(PolicySpec):
    """No parameters."""

    kind: Literal["priority"] = "priority"

    def build(self, tenants: Sequence[Tenant]) -> Policy:
        return Priority()
