"""What a router is: it sends an admitted request to one of several queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.random import SeedSequence

from driftsched.core.mechanism import Mechanism

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["STREAM", "Choice", "Loads", "Offer", "Router", "RouterSpec"]

STREAM = 101
"""Spawn key of the routers' own random stream, apart from the workload's."""


class Offer(NamedTuple):
    """A replica that a request may be sent to.

    Attributes
    ----------
    number, place : int
        Its number in the cluster, and its place among those on offer, from 0.
    requests, tokens : int
        What it was sent and has not ended: requests, and the sum of their prompts and mean
        estimates.
    capacity_tokens : int
        Its KV cache.
    """

    number: int
    place: int
    requests: int
    tokens: int
    capacity_tokens: int


class Choice(NamedTuple):
    """One decision of a router.

    Attributes
    ----------
    replicas, offers : int
        How many replicas there are, and how many are on offer.
    last : int
        Who was chosen last, -1 at first.
    first, second : float
        Uniform draws in [0, 1) of this decision, where the router is `random`.
    """

    replicas: int
    offers: int
    last: int
    first: float
    second: float


class RouterSpec(Mechanism):
    """Parameters and function of a router; see `Mechanism`.

    Attributes
    ----------
    random : bool
        Whether each decision takes two uniform draws.
    home : str
        What a replica is the home of, "tenant" or "prefix": the n-th that of each n modulo the
        number of replicas. Empty where a request may come to any.
    """

    random: ClassVar[bool] = False
    home: ClassVar[Literal["", "tenant", "prefix"]] = ""

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: Any) -> float:
        """Score of a replica on offer, lowest first; ties go to the lower number."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def build(self, loads: Loads, seed: int) -> Router:
        """Return a fresh router; `seed` is the scenario's."""
        return Router(self, loads, seed)


@dataclass(frozen=True)
class Loads:
    """What each replica has been sent and has not ended yet; the gateway keeps it.

    Attributes
    ----------
    requests : list of int
        Requests waiting or running.
    tokens : list of int
        Sum of their prompts and mean estimates, as of admission.
    capacity_tokens : sequence of int
        KV cache; does not change.
    """

    requests: list[int]
    tokens: list[int]
    capacity_tokens: Sequence[int] = ()


class Router:
    """State of one run; `route` may read requests and loads but not change them."""

    def __init__(self, spec: RouterSpec, loads: Loads, seed: int) -> None:
        self.spec, self._loads = spec, loads
        self._capacity = loads.capacity_tokens or [0] * len(loads.requests)
        self._random = np.random.default_rng(SeedSequence(seed, spawn_key=(STREAM,))).random
        self._last = -1

    def route(self, request: Request, among: Sequence[int]) -> int:
        """Return one of the replica numbers in `among`, which are ascending and never none."""
        loads, spec = self._loads, self.spec
        first, second = self._random(2).tolist() if spec.random else (0.0, 0.0)
        choice = Choice(len(loads.requests), len(among), self._last, first, second)
        offers = (
            Offer(one, place, loads.requests[one], loads.tokens[one], self._capacity[one])
            for place, one in enumerate(among)
        )
        best = min(offers, key=lambda offer: spec.score(request, offer, choice, spec))
        self._last = best.number
        return best.number
