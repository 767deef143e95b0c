"""Round robin: each replica in its turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import Loads, Router, RouterSpec, next_after

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["RoundRobin", "RoundRobinConfig"]


class RoundRobin(Router):
    """Rule: the next replica in number, whatever it has to do."""

    def __init__(self) -> None:
        self._last = -1

    def route(self, request: Request, among: Sequence[int]) -> int:
        self._last = next_after(self._last, among)
        return self._last


class RoundRobinConfig(RouterSpec):
    """No parameters."""

    kind: Literal["round_robin"] = "round_robin"

    def build(self, loads: Loads, seed: int) -> Router:
        return RoundRobin()
