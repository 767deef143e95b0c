"""Gang batching: a batch is taken, run together, and ends when its longest request ends."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from driftsched.simulation.replica import Replica

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.serving.iteration import IterationCost
    from driftsched.simulation.clock import Appointment
    from driftsched.simulation.replica import Place

__all__ = ["GangReplica", "gang_stretches"]


def gang_stretches(cost: IterationCost, gang: list[Request]) -> list[tuple[float, int, int]]:
    """The course of a gang after its prefill: (seconds, running, KV tokens at the start) a stretch.

    Requests that reach their length stop computing, so the batch shrinks, but give nothing back
    until the longest ends.
    """
    kv = sum(request.prompt_tokens + 1 for request in gang)
    running, done = len(gang), 1
    stretches: list[tuple[float, int, int]] = []
    for request in sorted(gang, key=lambda r: r.output_tokens):
        steps = request.output_tokens - done
        if steps:
            stretches.append((cost.stretch(steps, running, kv), running, kv))
            kv += steps * running
            done = request.output_tokens
        kv -= request.prompt_tokens + done
        running -= 1
    return stretches


class GangReplica(Replica):
    """The paper's batching: up to `batch_size` requests, waiting at most `batch_wait_s` for more.

    The first request is chosen as soon as one waits; more are chosen as they come, until the gang
    is full or the wait is over. Then no request joins, and all finish when the longest does.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.batch_wait_s = place.engine.batch_wait_s
        self._gang: list[Request] = []
        self._stalled: Request | None = None  # chosen, waits for KV cache
        self._deadline_s = inf
        self._next = self._form  # what the next appointment is for

    @property
    def empty(self) -> bool:
        return not self._gang

    def notify(self, now: float) -> None:
        if not self.busy:
            self._arm(now)

    def _wake(self, appointment: Appointment) -> None:
        self._next(self.clock.now)

    def _form(self, now: float) -> None:
        """Take who waits; then start, or wait for more."""
        self.source.advance(now)
        gang = self._gang
        gang += self._take(len(gang), now)
        if not gang:
            self._rest(now)
            return
        self._deadline_s = min(self._deadline_s, now + self.batch_wait_s)
        if len(gang) < self.batch_size and self._stalled is None and now < self._deadline_s:
            self._arm(min(self.source.next_s, self._deadline_s))
        else:
            self._prefill(now)

    def _prefill(self, now: float) -> None:
        self.busy = True
        self.batches += 1
        gang = self._gang
        prompts = sum(request.prompt_tokens - request.cached_tokens for request in gang)
        squares = sum(request.prompt_tokens**2 - request.cached_tokens**2 for request in gang)
        self.log.append((now, len(gang), 0))
        self._next = self._give_first_tokens
        self._arm(now + self.cost.iteration(prompts, 0, squares, len(gang), len(gang)))

    def _give_first_tokens(self, now: float) -> None:
        for request in self._gang:
            request.first_token_s = now
        self._course = gang_stretches(self.cost, self._gang)[::-1]
        self._next = self._decode
        self._decode(now)

    def _decode(self, now: float) -> None:
        """Begin the next stretch, or end."""
        if self._course:
            seconds, running, kv = self._course.pop()
            self.log.append((now, running, kv))
            self._arm(now + seconds)
        else:
            self._end(now)

    def _end(self, now: float) -> None:
        self.log.append((now, 0, 0))
        self.source.advance(now)
        for request in sorted(self._gang, key=lambda r: r.request_id):
            self._reserved -= request.prompt_tokens + request.max_output_tokens
            self.gateway.finish(request, now)
        self._tell_peers(now)
        self.busy = False
        self._gang, self._deadline_s, self._next = [], inf, self._form
        self._form(now)

    def _take(self, running: int, now: float) -> list[Request]:
        """Dispatch as many requests as have room beside `running` others.

        A chosen request whose KV cache does not fit yet waits at the head until it does.
        """
        taken: list[Request] = []
        line = self.line
        while running < self.batch_size and (line.waiting or self._stalled):
            request = self._stalled or line.next(now)
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
