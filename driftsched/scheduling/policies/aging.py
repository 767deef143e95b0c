"""Aging Priority: tiers, softened by waiting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import Policy, PolicySpec, StaticOrder

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Tenant
    from driftsched.scheduling.request import Request

__all__ = ["Aging", "AgingConfig"]


class Aging(StaticOrder):
    """Rule: lowest rank − rate · wait first.

    All waits grow alike, so rank + rate · arrival orders the same way and never changes: one heap,
    O(log n), no rescoring. A tier is passed after 1/rate seconds of additional waiting.
    """

    elementwise = True

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def order(self, request: Request) -> float:
        return request.rank + self.rate * request.arrival_s

    def arrival_weight(self) -> float | None:
        return self.rate


class AgingConfig(PolicySpec):
    """Parameters of `Aging`."""

    kind: Literal["aging"] = "aging"
    rate: float = Field(0.01, ge=0, le=1000, description="ranks a second of waiting is worth")

    def build(self, tenants: Sequence[Tenant]) -> Policy:
        return Aging(self.rate)
