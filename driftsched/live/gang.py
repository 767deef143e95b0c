"""Gang batching, live: a batch is taken, run together, and ends when its longest request ends."""

from __future__ import annotations

import asyncio
from math import inf
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
    when the longest has; a failed request ends when it fails, one whose client leaves when the
    engine lets go of it.
    """

    def __init__(self, place: Place, batch_wait_s: float) -> None:
        super().__init__(place)
        self.batch_wait_s = batch_wait_s

    async def serve(self) -> None:
        await asyncio.gather(self._keep_time(), *map(self._serve, range(self.place.replicas)))

    async def _keep_time(self) -> None:
        """Let arrivals and give-ups happen when they are due, also while every replica is busy."""
        while not self.over(self.advance()):
            await self.sleep(self.timetable.next_s)
        self.wake()

    async def _serve(self, replica: int) -> None:
        while not self.over(now := self.advance()):
            gang = self._take(replica, 0, now)
            if gang:
                await self._run(await self._gather(gang, replica, now))
            else:
                await self.sleep(inf)

    def _take(self, replica: int, taken: int, now: float) -> list[Flight]:
        """Dispatch as many waiting requests as there is room for beside `taken` others."""
        gang: list[Flight] = []
        while taken + len(gang) < self.place.slots and self.gateway.waiting:
            request = self.gateway.next(now)
            if request is None:
                break
            if not taken and not gang:
                self.batches += 1
            gang.append(self.dispatch(request, replica, now))
        return gang

    async def _gather(self, gang: list[Flight], replica: int, now: float) -> list[Flight]:
        """Wait a little for a fuller gang; whose client leaves meanwhile is no part of it."""
        deadline, batch = now + self.batch_wait_s, self.batches
        while 0 < len(gang) < self.place.slots and now < deadline:
            await self.sleep(deadline)
            now = self.advance()
            gang = [flight for flight in gang if not flight.request.status]
            gang += self._take(replica, len(gang), now) if gang else []
        for flight in gang:
            flight.request.batch_id = batch
        return gang

    async def _run(self, gang: list[Flight]) -> None:
        """Run a gang to its end."""
        pending = set(map(self.start, gang))
        while pending:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            self._settle([one for one in gang if one.outcome and not one.outcome.answer])
        self._settle(gang)

    def _settle(self, flights: list[Flight]) -> None:
        """Record what has ended, after all that was due before."""
        now = self.advance()
        for flight in sorted(flights, key=lambda one: one.request.request_id):
            if not flight.request.status and not flight.in_engine and flight.outcome:
                self.settle(flight, now)
        self.wake()
