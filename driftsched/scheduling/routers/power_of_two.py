"""Power of two choices: the better of two replicas drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.random import SeedSequence

from driftsched.scheduling.routers.base import Loads, Router, RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["PowerOfTwo", "PowerOfTwoConfig"]

STREAM = 101
"""Spawn key of the router's own random stream, apart from the workload's."""


class PowerOfTwo(Router):
    """Rule: draw two different replicas, take the one with fewer requests not ended.

    Ties go to the lower number. Each request takes two uniform draws, so that the stream stays in
    step. Mitzenmacher (2001): the longest queue falls from log n to log log n.

    Parameters
    ----------
    loads : Loads
        The gateway's, which keeps it up to date.
    seed : int
        Of its own stream.
    """

    def __init__(self, loads: Loads, seed: int) -> None:
        self._requests = loads.requests
        self._random = np.random.default_rng(SeedSequence(seed, spawn_key=(STREAM,))).random

    def route(self, request: Request, among: Sequence[int]) -> int:
        first, second = self._random(2).tolist()
        one = int(first * len(among))
        other = int(second * (len(among) - 1))
        other += other >= one and len(among) > 1
        return min(among[min(one, other)], among[max(one, other)], key=self._requests.__getitem__)


class PowerOfTwoConfig(RouterSpec):
    """No parameters."""

    kind: Literal["power_of_two"] = "power_of_two"

    def build(self, loads: Loads, seed: int) -> Router:
        return PowerOfTwo(loads, seed)
