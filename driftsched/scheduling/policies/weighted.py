"""Weighted: tenants take turns in a fixed cycle."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import Policy, PolicySpec

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Tenant
    from driftsched.scheduling.request import Request

__all__ = ["Weighted", "WeightedConfig", "turns"]


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


class Weighted:
    """Rule: a fixed cycle of turns, as many a tenant as its weight says; FIFO inside a tenant.

    The paper's cycle is ten turns: 5 premium, 3 standard, 2 batch. An empty tenant's turn is passed
    to the next tenant with a waiting request. O(1) a step while tenants wait, O(tenants) at worst.
    """

    def __init__(self, cycle_turns: Sequence[int]) -> None:
        self.cycle_turns = list(cycle_turns)
        self._queues: list[deque[Request]] = [deque() for _ in cycle_turns]
        self._tenant = 0
        self._left = self.cycle_turns[0]
        self._size = 0

    def order(self, request: Request) -> float:
        return request.arrival_s

    def push(self, request: Request) -> None:
        self._queues[request.tenant].append(request)
        self._size += 1

    def pop(self, now: float) -> Request:
        while not self._left or not self._queues[self._tenant]:
            self._tenant = (self._tenant + 1) % len(self._queues)
            self._left = self.cycle_turns[self._tenant]
        self._left -= 1
        self._size -= 1
        return self._queues[self._tenant].popleft()

    def remove(self, request: Request) -> None:
        self._queues[request.tenant].remove(request)
        self._size -= 1

    def __len__(self) -> int:
        return self._size


class WeightedConfig(PolicySpec):
    """No parameters: the weights are the tenants'."""

    kind: Literal["weighted"] = "weighted"

    def build(self, tenants: Sequence[Tenant]) -> Policy:
        return Weighted(turns([tenant.weight for tenant in tenants]))
