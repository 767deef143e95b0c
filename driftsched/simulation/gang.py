"""Gang batching: a batch is taken, run together, and ends when its longest request ends."""

from __future__ import annotations

from math import inf, isnan
from typing import TYPE_CHECKING

from driftsched.simulation.replica import Replica, boundary, kv_within

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.clock import Appointment
    from driftsched.simulation.replica import Place

__all__ = ["GangReplica"]


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
        self._computing: list[Request] = []  # those without their last token, the next to end last
        self._done = self._steps = self._kv = 0  # tokens given each, in this stretch; in the cache
        self._start_s = self._end_s = 0.0  # of the stretch under way
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
        self.log.append((now, len(gang), 0, self._grown))
        self._computing = sorted(gang, key=lambda one: one.output_tokens, reverse=True)
        self._done, self._steps, self._kv = 0, 1, sum(one.prompt_tokens for one in gang)
        self._next, self.cost = self._settle, self._next_cost
        self._end_s = now + self.cost.iteration(prompts, 0, squares, len(gang), len(gang))
        self._arm(self._end_s)

    def _settle(self, now: float) -> None:
        """Count the stretch that has ended; those who have their length compute no more.

        The batch shrinks, but they give nothing back until the longest ends.
        """
        computing = self._computing
        if not self._done:
            for request in computing:
                if isnan(request.first_token_s) and request not in self._gone:
                    request.first_token_s = now
        self._done = done = self._done + self._steps
        self._kv += self._steps * len(computing)
        self._grown = self._kv
        if self._gone:
            self._drop(now)
        while computing and computing[-1].output_tokens == done:
            self._kv -= computing.pop().prompt_tokens + done
        self._decode(now)

    def _decode(self, now: float) -> None:
        """Begin the next stretch, until the next one has its length; or end."""
        computing = self._computing
        if not computing:
            self._end(now)
            return
        self.cost = self._next_cost
        self._start_s, self._steps = now, computing[-1].output_tokens - self._done
        self.log.append((now, len(computing), self._kv, self._grown))
        self._end_s = now + self.cost.decode_seconds(self._steps, len(computing), self._kv)
        self._arm(self._end_s)

    def _cut_short(self, now: float) -> None:
        if self.busy and self._steps > 1 and now < self._end_s:
            running = len(self._computing)
            self._steps, self._end_s = boundary(self.cost, self._start_s, now, running, self._kv)
            self._arm(self._end_s)

    def _end(self, now: float) -> None:
        self.log.append((now, 0, 0, self._grown))
        self._grown = 0
        self.source.advance(now)
        for request in sorted(self._gang, key=lambda r: r.request_id):
            self._reserved -= request.prompt_tokens + request.max_output_tokens
            self.gateway.finish(request, now)
        self._tell_peers(now)
        self.busy = False
        self._gang, self._deadline_s, self._next = [], inf, self._form
        self._form(now)

    def _kv_by(self, now: float) -> int:
        steps = self._steps if self.busy and self._done else 0
        return kv_within(self.cost, self._start_s, now, steps, len(self._computing), self._kv)

    def _clear(self) -> tuple[list[Request], list[Request]]:
        running, chosen = self._gang, self.hand_back()
        self._gang, self._computing, self._deadline_s = [], [], inf
        self._next = self._form
        return running, chosen

    def hand_back(self) -> list[Request]:
        chosen = [] if self._stalled is None else [self._stalled]
        self._stalled = None
        return chosen

    def holds(self, request: Request) -> bool:
        return request is self._stalled or request in self._gang

    def let_go(self, request: Request, status: str, reason: str, now: float) -> None:
        if request is not self._stalled and self.busy:
            self._gone[request] = (status, reason)
            self._cut_short(now)
            return
        if request is self._stalled:
            self._stalled = None
        else:
            self._take_out(request)
            if not self._gang:
                self._deadline_s = inf
        self.gateway.abandon(request, now, status, reason)
        self._tell_peers(now)
        self.notify(now)

    def _take_out(self, request: Request) -> None:
        self._gang.remove(request)
        self._reserved -= request.prompt_tokens + request.max_output_tokens
        if request in self._computing:
            self._computing.remove(request)
            self._kv -= request.prompt_tokens + self._done

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
