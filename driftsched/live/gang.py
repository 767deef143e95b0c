"""Gang batching, live: a batch is taken, run together, and ends when its longest request ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from driftsched.live.dispatcher import Dispatcher

if TYPE_CHECKING:
    from driftsched.live.dispatcher import Place
    from driftsched.live.flight import Flight

__all__ = ["GangDispatcher"]


class GangDispatcher(Dispatcher):
    """The paper's batching in front of an engine: up to `slots` requests, then nobody joins.

    The first request is chosen as soon as one waits; more are chosen as they come, until the gang
    is full or `batch_wait_s` is over. An answer that is complete keeps its place, and has its end
    when the longest has; a failed request ends when it fails.
    """

    def __init__(self, place: Place, batch_wait_s: float) -> None:
        super().__init__(place)
        self.batch_wait_s = batch_wait_s

    async def serve(self) -> None:
        await asyncio.gather(*map(self._serve, range(self.place.replicas)))

    async def _serve(self, replica: int) -> None:
        traffic = self.place.traffic
        while True:
            now = self.clock()
            traffic.advance(now)
            gang = self._take(replica, 0, now)
            if gang:
                await self._run(await self._gather(gang, replica, now))
            elif self._left(now):
                await self.sleep(traffic.next_s)
                continue
            self.wake()
            if not gang:
                return

    def _left(self, now: float) -> bool:
        """Whether any request is under way or still to come."""
        return any(self.running) or bool(self.place.gateway.waiting) or self.place.traffic.idle(now)

    def _take(self, replica: int, taken: int, now: float) -> list[Flight]:
        """Dispatch as many waiting requests as there is room for beside `taken` others."""
        gang: list[Flight] = []
        while taken + len(gang) < self.place.slots and self.place.gateway.waiting:
            request = self.place.gateway.next(now)
            if request is None:
                break
            if not taken and not gang:
                self.batches += 1
            gang.append(self.dispatch(request, replica, now))
        return gang

    async def _gather(self, gang: list[Flight], replica: int, now: float) -> list[Flight]:
        """Wait a little for a fuller gang."""
        deadline, traffic, batch = now + self.batch_wait_s, self.place.traffic, self.batches
        while len(gang) < self.place.slots and now < deadline:
            await self.sleep(min(traffic.next_s, deadline))
            now = self.clock()
            traffic.advance(now)
            gang += self._take(replica, len(gang), now)
        for flight in gang:
            flight.request.batch_id = batch
        return gang

    async def _run(self, gang: list[Flight]) -> None:
        """Run a gang to its end."""
        pending = set(map(self.start, gang))
        while pending:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            self._settle([flight for flight in gang if flight.end and not flight.end.answer])
        self._settle(gang)

    def _settle(self, flights: list[Flight]) -> None:
        now = self.clock()
        self.place.traffic.advance(now)
        for flight in sorted(flights, key=lambda f: f.request.request_id):
            if flight.end is not None and not flight.request.status:
                self.settle(flight, flight.end, now)
