"""What both batching modes share: who is in the engine, and how a request comes out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from driftsched.live.engine import Call
from driftsched.live.flight import STOPPED, End, Flight
from driftsched.live.timetable import Timetable
from driftsched.simulation.clients import Clients

if TYPE_CHECKING:
    from driftsched.gateway.gateway import Gateway
    from driftsched.live.engine import Engine
    from driftsched.live.flight import Clock
    from driftsched.live.options import LiveOptions
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

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
    scenario : Scenario
        Whose clients ask, their times scaled.
    workload : Workload
        What they ask for, its times scaled.
    requests : sequence of Request
        One a row of the workload.
    gateway : Gateway
        Who chooses.
    call : callable
        Request, row of the workload, replica → what the engine is asked.
    in_words : bool
        Lengths are counted in words.
    clock : callable
        Seconds since the run's start.
    """

    engine: Engine
    replicas: int
    slots: int
    scenario: Scenario
    workload: Workload
    requests: Sequence[Request]
    gateway: Gateway
    options: LiveOptions
    call: Callable[[Request, int, int], Call]
    in_words: bool
    clock: Clock


class Dispatcher:
    """Drives clients and gateway on the wall clock; a subclass says how requests share the engine.

    Everything here happens on one event loop, so that nothing needs a lock. To the clients it is
    what the modelled fleet is to them in the simulation (see `driftsched.simulation.world`).

    Attributes
    ----------
    timetable : Timetable
        What is to come: arrivals, clients who give up, ends that are to be recorded.
    clients : Clients
        Who asks.
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
        self.gateway = place.gateway
        self.flights: dict[int, Flight] = {}
        self.running = [0] * place.replicas
        self.batches = 0
        self.timetable = Timetable()
        self.clients = Clients(place.scenario, place.workload, self.timetable, place.requests, self)
        self._tasks: set[asyncio.Task[End]] = set()
        self._sleepers: list[asyncio.Future[None]] = []
        self.clients.start()

    async def serve(self) -> None:
        """Run until no request is left."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    # ---- what clients need of it -----------------------------------------------------------

    @property
    def empty(self) -> bool:
        """Whether no request waits or runs."""
        return not self.gateway.waiting and not any(self.running)

    def arrived(self, requests: Sequence[Request], now: float) -> None:
        """Take note of requests that were submitted just now."""
        self.wake()

    def give_up(self, request: Request, status: str, reason: str, now: float) -> None:
        """End a request whose client leaves: at once where it waits, else when the engine lets go.

        An answer that is complete, but waits for its gang, comes too late.
        """
        flight = self.flights.get(request.request_id)
        if flight is None:
            self.gateway.withdraw(request, now, status, reason)
        else:
            flight.leave(End(status, reason))
            if not flight.in_engine:
                self.settle(flight, now)
        self.wake()

    # ---- time ------------------------------------------------------------------------------

    def advance(self) -> float:
        """Let everything happen that was due by now; return the time that it is."""
        now = self.clock()
        if self.timetable.advance(now):
            self.wake()
        return now

    def over(self, now: float) -> bool:
        """Whether nothing waits, runs or is to come; where all have ended, the next phase opens."""
        self.clients.idle(now)
        return self.empty and self.timetable.next_s == inf

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

    # ---- a request's way through the engine ------------------------------------------------

    def dispatch(self, request: Request, replica: int, now: float) -> Flight:
        """Take a request that the gateway chose into a replica."""
        request.dispatch_s = now
        request.batch_id = self.batches
        request.replica = replica
        row = self.clients.rows[request.request_id]
        flight = Flight(request, self.place.call(request, row, replica), self.clock)
        self.flights[request.request_id] = flight
        self.running[replica] += 1
        return flight

    def start(self, flight: Flight) -> asyncio.Task[End]:
        """Call the engine; the task never raises."""
        run = flight.run(self.place.engine, self.place.options)
        flight.task = task = asyncio.get_running_loop().create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def settle(self, flight: Flight, now: float) -> None:
        """Record at `now` how a flight ended, and let the compensator learn from it."""
        request, end = flight.request, flight.outcome or End("cancelled", STOPPED)
        self.running[request.replica] -= 1
        flight.measure(end.answer, in_words=self.place.in_words)
        if end.answer is not None:
            request.output_tokens = flight.output_tokens
            request.output_length = flight.counted_tokens
            request.prompt_tokens = end.answer.prompt_tokens or request.prompt_tokens
            request.reason = end.reason
            self.gateway.finish(request, now)
        else:
            # Its planned lengths stay: the client may try again.
            self.gateway.abandon(request, now, end.status, end.reason)

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
                self.settle(flight, now)
