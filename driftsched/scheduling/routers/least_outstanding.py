"""Least outstanding: where the fewest requests wait and run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import Loads, Router, RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["LeastOutstanding", "LeastOutstandingConfig"]


class LeastOutstanding(Router):
    """Rule: fewest requests not ended (join the shortest queue); ties go to the lower number."""

    def __init__(self, loads: Loads) -> None:
        self._requests = loads.requests

    def route(self, request: Request, among: Sequence[int]) -> int:
        return min(among, key=self._requests.__getitem__)


class LeastOutstandingConfig(RouterSpec):
    """No parameters."""

    kind: Literal["least_outstanding"] = "least_outstanding"

    def build(self, loads: Loads, seed: int) -> Router:
        return LeastOutstanding(loads)
