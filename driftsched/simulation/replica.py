"""What both batching modes share: a replica's place in the run and its log."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import simpy

    from driftsched.scheduling.gateway import Gateway
    from driftsched.scheduling.request import Request
    from driftsched.serving.cost import IterationCost
    from driftsched.simulation.traffic import Traffic

__all__ = ["GpuLog", "Replica"]

GpuLog = list[tuple[float, int, int]]
"""time_s, running, kv_used_tokens: one row at each change; between rows the KV grows evenly."""


class Replica:
    """One modelled GPU; a subclass says how it batches.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    traffic : Traffic
        Where requests come from.
    gateway : Gateway
        Who chooses.
    cost : IterationCost
        What an iteration takes.
    batch_size, kv_capacity : int
        Most requests, and most tokens of KV cache (prompt + max output reserved), at once.
    number : int
        Written into the requests' replica column.

    Attributes
    ----------
    batches : int
        Number of the batch being formed.
    """

    def __init__(
        self,
        env: simpy.Environment,
        traffic: Traffic,
        gateway: Gateway,
        cost: IterationCost,
        batch_size: int,
        kv_capacity: int,
        number: int = 0,
    ) -> None:
        self.env = env
        self.traffic = traffic
        self.gateway = gateway
        self.cost = cost
        self.batch_size = batch_size
        self.kv_capacity = kv_capacity
        self.number = number
        self.log: GpuLog = []
        self.batches = 0
        self._reserved = 0
        self._stalled: Request | None = None

    def serve(self) -> Generator[simpy.Event, Any, None]:
        """The SimPy process: runs until no request is left."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _take(self, running: int, now: float) -> list[Request]:
        """Dispatch as many requests as have room beside `running` others.

        A chosen request whose KV cache does not fit yet waits at the head until it does.
        """
        taken: list[Request] = []
        gateway = self.gateway
        while running < self.batch_size and (gateway.waiting or self._stalled):
            request = self._stalled or gateway.next(now)
            if request is None:
                break
            self._stalled = None
            needed = request.prompt_tokens + request.max_output_tokens
            if self._reserved + needed > self.kv_capacity:
                self._stalled = request
                break
            self._reserved += needed
            request.dispatch_s = now
            request.batch_id = self.batches
            request.replica = self.number
            taken.append(request)
            running += 1
        return taken
