"""DRR: deficit round robin, shares of service by turns."""

from __future__ import annotations

from math import floor
from typing import Any, ClassVar, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import TenantPolicy

__all__ = ["DrrConfig"]


class DrrConfig(TenantPolicy):
    """Rule: tenants take turns, each for weight · quantum tokens; FIFO inside a tenant.

    A request counts as its prompt and its mean estimate, since turns are sums. What a turn's last
    request takes too much is missing from the tenant's next turn, so that no request need be looked
    at before it is chosen (surplus round robin). While two tenants wait,
    tokens / weight of what they were given differ by less than quantum + longest / weight of each.
    Who comes back begins a new turn. O(log tenants) a step.
    """

    reads_mean = True
    label = "DRR"
    rule = "turns of as many tokens as a tenant's weight allows"
    source = "Shreedhar & Varghese (1996); surplus form: Adiseshu, Parulkar & Varghese (1996)"
    rescored = False
    tenant_state: ClassVar[dict[str, float]] = {"round": 0.0, "left": 0.0}

    kind: Literal["drr"] = "drr"
    quantum: float = Field(
        500.0, gt=0, le=1e9, description="estimated tokens in a turn of a tenant of weight 1"
    )

    @staticmethod
    def score(tenant: Any, queue: Any, p: DrrConfig) -> float:
        return float(tenant.round)

    @staticmethod
    def lift(tenant: Any, queue: Any, p: DrrConfig) -> None:
        if tenant.round < queue.least or tenant.left <= 0:
            tenant.round = max(tenant.round, queue.least)
            tenant.left = p.quantum * tenant.weight

    @staticmethod
    def charge(tenant: Any, queue: Any, request: Any, p: DrrConfig) -> None:
        tenant.left -= request.prompt_length + request.estimated_mean_tokens
        if tenant.left <= 0:
            turn = p.quantum * tenant.weight
            passed = floor(-tenant.left / turn) + 1
            tenant.round += passed
            tenant.left += passed * turn
