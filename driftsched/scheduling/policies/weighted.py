"""Weighted: tenants take turns in a fixed cycle."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any, ClassVar, Literal

from driftsched.scheduling.policies.base import TenantPolicy

__all__ = ["WeightedConfig", "turns"]


def turns(weights: Sequence[float]) -> list[int]:
    """Whole turns in proportion to the weights, which are read to one tenth.

    >>> turns([5, 3, 2])
    [5, 3, 2]
    >>> turns([1, 0.5])
    [2, 1]
    """
    exact = [max(Fraction(round(weight * 10), 10), Fraction(1, 10)) for weight in weights]
    scale = lcm(*(weight.denominator for weight in exact))
    return [int(weight * scale) for weight in exact]


class WeightedConfig(TenantPolicy):
    """Rule: a fixed cycle of turns, as many a tenant as its weight says; FIFO inside a tenant.

    The paper's cycle is ten turns: 5 premium, 3 standard, 2 batch. An empty tenant's turn is passed
    to the next tenant with a waiting request. Places on the cycle are counted on and on; a tenant's
    score is the next one that is its own. O(log tenants) a step.
    """

    label = "Weighted"
    rule = "tenants take turns, as many as their weight"
    source = "DriftSched (arXiv 2606.02982)"
    rescored = False
    tenant_state: ClassVar[dict[str, float]] = {"turns": 1, "place": 0}
    queue_state: ClassVar[dict[str, float]] = {"place": 0, "taken": 0}

    kind: Literal["weighted"] = "weighted"

    @staticmethod
    def begin(weights: Sequence[float]) -> dict[str, Sequence[float]]:
        return {"turns": turns(weights)}

    @staticmethod
    def score(tenant: Any, queue: Any, p: WeightedConfig) -> float:
        return float(tenant.place)

    @staticmethod
    def lift(tenant: Any, queue: Any, p: WeightedConfig) -> None:
        mine = queue.place % queue.tenants == tenant.number
        if mine and queue.taken < tenant.turns:
            tenant.place = queue.place
        else:
            to_go = (tenant.number - queue.place - 1) % queue.tenants
            tenant.place = queue.place + 1 + to_go

    @staticmethod
    def charge(tenant: Any, queue: Any, request: Any, p: WeightedConfig) -> None:
        if tenant.place != queue.place:
            queue.place = tenant.place
            queue.taken = 0
        queue.taken += 1
        if queue.taken >= tenant.turns:
            tenant.place += queue.tenants
