"""Continuous batching: requests join and leave between iterations."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from driftsched.simulation.replica import Replica

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.clock import Appointment
    from driftsched.simulation.replica import Place

__all__ = ["ContinuousReplica"]


class ContinuousReplica(Replica):
    """Iteration-level scheduling with jump-ahead.

    One iteration prefills the prompts of all that join, whole, and gives each decoding request one
    token. As long as nobody joins or leaves, any number of iterations is one closed-form stretch
    (`IterationCost.stretch`), so the cost is per request and not per token. A stretch is planned to
    the first request to finish; with room in the batch, an arrival cuts it at the first boundary
    from then on.

    At a boundary, arrivals up to and including it are submitted first, then requests finish in
    order of their id and teach the compensator, then the line is asked for the next ones.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._leaving: list[tuple[int, int, Request]] = []  # (last iteration, id, request)
        self._joining: list[Request] = []
        self._iteration = 0
        self._kv = 0
        self._start_s = self._end_s = 0.0  # of the stretch under way
        self._steps = 0
        self._open = False  # whether an arrival would cut the stretch

    def notify(self, now: float) -> None:
        if not self.busy:
            self._arm(now)
        elif self._open and now < self._end_s:
            self._arm(self._cut(now))

    def _wake(self, appointment: Appointment) -> None:
        now = self.clock.now
        if self.source.next_s <= now:
            self.source.advance(now)
        if self.busy:
            self._settle(now)
        self._plan(now)

    def _settle(self, now: float) -> None:
        """Count the stretch that has ended: those who joined decode, those who are done leave."""
        leaving, iteration = self._leaving, self._iteration + self._steps
        kv = self._kv + self._steps * len(leaving)
        for request in self._joining:
            request.first_token_s = now
            kv += request.prompt_tokens + 1
            last = iteration + request.output_tokens - 1
            heappush(leaving, (last, request.request_id, request))
        while leaving and leaving[0][0] == iteration:
            request = heappop(leaving)[2]
            prompt = request.prompt_tokens
            kv -= prompt + request.output_tokens
            self._reserved -= prompt + request.max_output_tokens
            self.gateway.finish(request, now)
            if self.peers:
                self._tell_peers(now)
        self._iteration, self._kv = iteration, kv

    def _plan(self, now: float) -> None:
        """Take who may join, and make the appointment at the end of the next stretch."""
        decoding, kv = len(self._leaving), self._kv
        full = decoding == self.batch_size
        wanted = self.line.waiting or self._stalled
        self._joining = joining = self._take(decoding, now) if wanted and not full else []
        if joining:
            self.busy, self._open = True, False
            self.batches += 1
            self.log.append((now, decoding + len(joining), kv))
            self._start_s, self._steps = now, 1
            end = now + self._prefill(joining, decoding, kv)
        elif decoding:
            self.log.append((now, decoding, kv))
            self._start_s = now
            self._steps = steps = self._leaving[0][0] - self._iteration
            end = now + self.cost.stretch(steps, decoding, kv)
            self._open = not full and self._stalled is None
            if self._open and self.source.next_s < end:
                end = self._cut(self.source.next_s)
        else:
            self._rest(now)
            return
        self._end_s = end
        self._appointment = self.clock.at(end, self.order, self._wake)

    def _cut(self, time_s: float) -> float:
        """End the stretch at its first boundary from `time_s` on; returns the boundary's time."""
        decoding, start = len(self._leaving), self._start_s
        steps, lasting = self.cost.stretch_past(time_s - start, decoding, self._kv)
        if start + lasting < time_s:  # by rounding
            steps, lasting = steps + 1, self.cost.stretch(steps + 1, decoding, self._kv)
        self._steps, self._open = steps, False
        return start + lasting

    def _prefill(self, joining: list[Request], decoding: int, kv: int) -> float:
        """Seconds of the iteration in which requests join."""
        prompts = squares = 0
        for request in joining:
            tokens = request.prompt_tokens
            prompts += tokens
            squares += tokens * tokens
        requests = decoding + len(joining)
        return self.cost.iteration(prompts + decoding, kv, squares, requests, len(joining))
