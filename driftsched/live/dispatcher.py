"""What both batching modes share: who is in the engine, and how a request comes out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from driftsched.live.engine import Call
from driftsched.live.flight import STOPPED, End, Flight

if TYPE_CHECKING:
    from driftsched.live.engine import Engine
    from driftsched.live.flight import Clock
    from driftsched.live.options import LiveOptions
    from driftsched.scheduling.gateway import Gateway
    from driftsched.scheduling.request import Request
    from driftsched.simulation.traffic import Traffic

__all__ = ["Dispatcher", "Place"]

LETTING_GO_S = 0.7
"""How long stopped calls may take to free the engine before they are left behind."""


@dataclass(frozen=True)
class Place:
    """Where a dispatcher works.

    Attributes
    ----------
    engine : Engine
        Opened.
    replicas, slots : int
        Replicas of the engine, and requests in each at most.
    traffic : Traffic
        Where requests come from.
    gateway : Gateway
        Who chooses.
    call : callable
        Request, replica → what the engine is asked.
    in_words : bool
        Lengths are counted in words.
    clock : callable
        Seconds since the run's start.
    """

    engine: Engine
    replicas: int
    slots: int
    traffic: Traffic
    gateway: Gateway
    options: LiveOptions
    call: Callable[[Request, int], Call]
    in_words: bool
    clock: Clock


class Dispatcher:
    """Drives the gateway on the wall clock; a subclass says how requests share the engine.

    Everything here happens on one event loop, so that nothing needs a lock.

    Attributes
    ----------
    flights : dict
        request_id → flight of every request that was ever dispatched.
    running : list of int
        Requests in each replica.
    batches : int
        Number of the batch being formed.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = place.clock
        self.flights: dict[int, Flight] = {}
        self.running = [0] * place.replicas
        self.batches = 0
        self._tasks: set[asyncio.Task[End]] = set()
        self._sleepers: list[asyncio.Future[None]] = []

    async def serve(self) -> None:
        """Run until no request is left."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def wake(self) -> None:
        """Something has changed: let whoever sleeps look again."""
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, until_s: float) -> None:
        """Sleep until something changes, at most until `until_s` seconds of the run."""
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        self._sleepers.append(sleeper)
        timer = (
            loop.call_later(max(0.0, until_s - self.clock()), self.wake) if until_s < inf else None
        )
        try:
            await sleeper
        finally:
            if timer is not None:
                timer.cancel()

    def dispatch(self, request: Request, replica: int, now: float) -> Flight:
        """Take a request that the gateway chose into a replica."""
        request.dispatch_s = now
        request.batch_id = self.batches
        request.replica = replica
        flight = Flight(request, self.place.call(request, replica), self.clock)
        self.flights[request.request_id] = flight
        self.running[replica] += 1
        return flight

    def start(self, flight: Flight) -> asyncio.Task[End]:
        """Call the engine; the task never raises."""
        run = flight.run(self.place.engine, self.place.options)
        task = asyncio.get_running_loop().create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def settle(self, flight: Flight, end: End, now: float) -> None:
        """Record a flight's end at `now` and let the compensator learn from it."""
        request, answer, gateway = flight.request, end.answer, self.place.gateway
        self.running[request.replica] -= 1
        request.output_tokens = answer.output_tokens if answer else flight.tokens
        if answer and answer.prompt_tokens:
            request.prompt_tokens = answer.prompt_tokens
        words = flight.count_words() if self.place.in_words else request.output_tokens
        if end.status == "finished":
            # An answer of signs without a word still is one: compensators need a length above 0.
            request.counted_output_tokens = max(1, words)
            request.reason = end.reason
            gateway.finish(request, now)
        else:
            request.counted_output_tokens = words
            gateway.abandon(request, now, end.status, end.reason)
        flight.forget_text()

    async def stop(self) -> None:
        """Cancel what is in the engine and settle it; returns within a second.

        An answer that was complete, but waited for its gang, counts as finished.
        """
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LETTING_GO_S)
        now = self.clock()
        for flight in self.flights.values():
            if not flight.request.status:
                self.settle(flight, flight.end or End("cancelled", STOPPED), now)
