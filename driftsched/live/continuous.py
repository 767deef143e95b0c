"""Continuous batching, live: a request joins the engine as soon as another leaves."""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from driftsched.live.dispatcher import Dispatcher
from driftsched.simulation.world import REPLICAS

if TYPE_CHECKING:
    from driftsched.live.flight import End, Flight
    from driftsched.simulation.world import Timer

__all__ = ["ContinuousDispatcher"]


class ContinuousDispatcher(Dispatcher):
    """At most `slots` requests in each replica; the least busy replica takes the next.

    With `engine_queue` there is no such bound: each request goes to the engine as it arrives, and
    the engine's own queue orders them by the priority they carry.
    """

    async def serve(self) -> None:
        while True:
            now = self.advance()
            self._fill(now)
            if self.over(now):
                return
            await self.sleep(self.timetable.next_s)

    def _fill(self, now: float) -> None:
        gateway, dispatched = self.gateway, False
        slots = inf if self.place.options.engine_queue else self.place.slots
        while gateway.waiting:
            replica = self.running.index(min(self.running))
            if self.running[replica] >= slots:
                break
            request = gateway.next(now)
            if request is None:
                break
            if not dispatched:
                self.batches += 1
                dispatched = True
            flight = self.dispatch(request, replica, now)
            self.start(flight).add_done_callback(partial(self._landed, flight))

    def _landed(self, flight: Flight, task: asyncio.Task[End]) -> None:
        """Have the end recorded at its own time, after all that was due before."""

        def record(_: Timer) -> None:
            if not flight.request.status:
                self.settle(flight, self.timetable.now)

        if flight.outcome is not None:
            self.timetable.at(self.clock(), REPLICAS + flight.request.replica, record)
            self.wake()
