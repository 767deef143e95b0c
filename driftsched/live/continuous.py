"""Continuous batching, live: a request joins the engine as soon as another leaves."""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from driftsched.live.dispatcher import Dispatcher

if TYPE_CHECKING:
    from driftsched.live.dispatcher import Place
    from driftsched.live.flight import End, Flight

__all__ = ["ContinuousDispatcher"]


class ContinuousDispatcher(Dispatcher):
    """At most `slots` requests in each replica; the least busy replica takes the next.

    With `engine_queue` there is no such bound: each request goes to the engine as it arrives, and
    the engine's own queue orders them by the priority they carry.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._ended: list[Flight] = []

    async def serve(self) -> None:
        traffic, gateway = self.place.traffic, self.place.gateway
        while True:
            now = self.clock()
            # The simulation's order at one instant: arrivals, ends by id, the next choices.
            traffic.advance(now)
            self._settle(now)
            self._fill(now)
            busy = any(self.running) or gateway.waiting
            if not busy and not traffic.idle(now):
                return
            await self.sleep(traffic.next_s)

    def _fill(self, now: float) -> None:
        gateway, dispatched = self.place.gateway, False
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
        self._ended.append(flight)
        self.wake()

    def _settle(self, now: float) -> None:
        ended, self._ended = self._ended, []
        for flight in sorted(ended, key=lambda f: f.request.request_id):
            if flight.end is not None:
                self.settle(flight, flight.end, now)
