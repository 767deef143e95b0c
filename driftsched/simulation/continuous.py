"""Continuous batching: requests join and leave between iterations."""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from driftsched.simulation.replica import Replica

if TYPE_CHECKING:
    import simpy

    from driftsched.scheduling.request import Request

__all__ = ["ContinuousReplica"]


class ContinuousReplica(Replica):
    """Iteration-level scheduling with jump-ahead.

    One iteration prefills the prompts of all that join, whole, and gives each decoding request one
    token. As long as nobody joins or leaves, any number of iterations is one closed-form stretch
    (`IterationCost.stretch`), so the cost is per request and not per token. A stretch ends at the
    first request to finish, or, with room in the batch, at the first boundary after an arrival.

    At a boundary, arrivals up to and including it are submitted first, then requests finish in
    order of their id and teach the compensator, then the gateway is asked for the next ones.
    """

    def serve(self) -> Generator[simpy.Event, Any, None]:
        traffic, gateway, cost = self.traffic, self.gateway, self.cost
        timeout, log, batch_size = self.env.timeout, self.log, self.batch_size
        leaving: list[tuple[int, int, Request]] = []  # (last iteration, id, request)
        now = 0.0
        iteration = kv = 0
        while True:
            decoding = len(leaving)
            joining = self._take(decoding, now) if gateway.waiting or self._stalled else None
            if joining:
                self.batches += 1
                steps, seconds = 1, self._prefill(joining, decoding, kv)
                log.append((now, decoding + len(joining), kv))
            elif decoding:
                # Until the first leaves, or, with room, the first boundary after an arrival.
                steps = leaving[0][0] - iteration
                seconds = cost.stretch(steps, decoding, kv)
                gap = traffic.next_s - now
                if gap < seconds and decoding < batch_size and self._stalled is None:
                    steps, seconds = cost.stretch_past(gap, decoding, kv)
                log.append((now, decoding, kv))
            else:
                log.append((now, 0, 0))
                if not traffic.idle(now):
                    return
                yield timeout(max(0.0, traffic.next_s - now))
                now = traffic.next_s
                traffic.advance(now)
                continue
            yield timeout(seconds)
            now += seconds
            iteration += steps
            kv += steps * decoding
            if joining:
                for request in joining:
                    request.first_token_s = now
                    kv += request.prompt_tokens + 1
                    last = iteration + request.output_tokens - 1
                    heappush(leaving, (last, request.request_id, request))
            if traffic.next_s <= now:
                traffic.advance(now)
            while leaving and leaving[0][0] == iteration:
                request = heappop(leaving)[2]
                prompt = request.prompt_tokens
                kv -= prompt + request.output_tokens
                self._reserved -= prompt + request.max_output_tokens
                gateway.finish(request, now)

    def _prefill(self, joining: list[Request], decoding: int, kv: int) -> float:
        """Seconds of the iteration in which requests join."""
        prompts = squares = 0
        for request in joining:
            tokens = request.prompt_tokens
            prompts += tokens
            squares += tokens * tokens
        requests = decoding + len(joining)
        return self.cost.iteration(prompts + decoding, kv, squares, requests, len(joining))
