"""SJF: the shortest job first, by its estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import Policy, PolicySpec, StaticOrder

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Tenant
    from driftsched.scheduling.request import Request

__all__ = ["Sjf", "SjfConfig"]


class Sjf(StaticOrder):
    """Rule: least total token budget as estimated at arrival, never re-estimated. O(log n).

    The safety factor is part of the budget, so that a tenant with a high one is served later.
    """

    elementwise = True
    budget_weight = 1.0

    def order(self, request: Request) -> float:
        return request.total_token_budget


class SjfConfig(PolicySpec):
    """No parameters."""

    kind: Literal["sjf"] = "sjf"

    def build(self, tenants: Sequence[Tenant]) -> Policy:
        return Sjf()
