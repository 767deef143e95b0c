"""Gang batching (static batching): a batch is taken, run together, and ends with its longest."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan
from typing import TYPE_CHECKING

from driftsched.serving.batching import gang_starts, whole_length_fits
from driftsched.serving.iteration import iteration_seconds
from driftsched.simulation.replica import Replica

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.replica import ReplicaContext

__all__ = ["GangReplica"]


class GangReplica(Replica):
    """The paper's batching: up to `batch_size` requests, waiting at most `batch_wait_s` for more.

    The first request is chosen as soon as one waits; more are chosen as they come, until the gang
    is full or the wait is over. Then no request joins, and all finish when the longest does.
    """

    def __init__(self, context: ReplicaContext) -> None:
        self.batch_wait_s = context.engine.batch_wait_s
        self._gang: list[Request] = []
        self._blocked: Request | None = None  # chosen, waits for KV cache
        self._computing: list[Request] = []  # those without their last token, the next to end last
        self._given = 0  # tokens that each of them has given
        self._deadline_s = inf
        super().__init__(context)

    @property
    def empty(self) -> bool:
        return not self._gang

    @property
    def _stretching(self) -> bool:
        return self._given > 0

    def notify(self, now: float) -> None:
        if not self.busy:
            self._wake_at(now)

    def _plan(self, now: float) -> bool:
        """While it forms: take who waits, then start or wait for more. Else decode on."""
        if self.busy:
            self._begin_stretch(now)
            return True
        gang = self._gang
        self._take(now)
        if not gang:
            return False
        self._deadline_s = min(self._deadline_s, now + self.batch_wait_s)
        blocked = self._blocked is not None
        if gang_starts(len(gang), self.batch_size, blocked, now, self._deadline_s):
            self._prefill(now)
        else:
            self._wake_at(self._deadline_s)
        return True

    def _take(self, now: float) -> None:
        """Dispatch as many requests as have room.

        A chosen request whose KV cache does not fit yet waits, before all others, until it does.
        """
        while len(self._gang) < self.batch_size:
            request = self._blocked or self._next(now)
            if request is None:
                return
            prompt, most = request.prompt_tokens, request.max_output_tokens
            if not whole_length_fits(self._reserved, self.kv_capacity, prompt, most):
                self._blocked = request
                return
            self._blocked = None
            self._reserved += prompt + most
            request.dispatch_s = now
            request.batch_id = self.batches
            request.replica = self.number
            self._gang.append(request)

    def _prefill(self, now: float) -> None:
        self.busy = True
        self.batches += 1
        gang = self._gang
        prompts = sum(request.prompt_tokens - request.cached_tokens for request in gang)
        squares = sum(request.prompt_tokens**2 - request.cached_tokens**2 for request in gang)
        self.log.append((now, len(gang), 0, self._grown))
        self._computing = sorted(gang, key=lambda one: one.output_tokens, reverse=True)
        self._given, self._steps = 0, 1
        self._decoding, self._kv = len(gang), sum(one.prompt_tokens for one in gang)
        self.cost = self._next_cost
        seconds = iteration_seconds(self.cost, prompts, 0, squares, len(gang), len(gang))
        self._wake_at(now + seconds)

    def _settle(self, now: float) -> None:
        """Count the stretch that has ended; those who have their length compute no more.

        The batch shrinks, but they give nothing back until the longest ends.
        """
        computing = self._computing
        if not self._given:
            for request in computing:
                if isnan(request.first_token_s) and request not in self._gone:
                    request.first_token_s = now
        steps = self._steps
        self._count_stretch()
        self._given += steps
        self._kv += steps * len(computing)
        self._grown = self._kv
        if self._gone:
            self._drop(now)
        while computing and computing[-1].output_tokens == self._given:
            self._kv -= computing.pop().prompt_tokens + self._given
        if not computing:
            self._finish(now)

    def _decoding_requests(self) -> Sequence[Request]:
        return self._computing

    def _begin_stretch(self, now: float) -> None:
        """Decode until the next one has its length."""
        computing = self._computing
        self.cost, self._decoding = self._next_cost, len(computing)
        self.log.append((now, self._decoding, self._kv, self._grown))
        self._decode(now, computing[-1].output_tokens - self._given)

    def _finish(self, now: float) -> None:
        self.log.append((now, 0, 0, self._grown))
        self._grown = 0
        for request in sorted(self._gang, key=lambda r: r.request_id):
            self._reserved -= request.prompt_tokens + request.max_output_tokens
            self.gateway.finish(request, now)
        self._tell_peers(now)
        self.busy = False
        self._gang, self._deadline_s = [], inf

    def _clear(self) -> tuple[list[Request], list[Request]]:
        running, chosen = self._gang, self.hand_back()
        self._gang, self._computing, self._deadline_s = [], [], inf
        return running, chosen

    def hand_back(self) -> list[Request]:
        chosen = [] if self._blocked is None else [self._blocked]
        self._blocked = None
        return chosen

    def holds(self, request: Request) -> bool:
        return request is self._blocked or request in self._gang

    def let_go(self, request: Request, status: str, reason: str, now: float) -> None:
        if request is not self._blocked and self.busy:
            self._gone[request] = (status, reason)
            self._end_sooner(now)
            return
        if request is self._blocked:
            self._blocked = None
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
            self._kv -= request.prompt_tokens + self._given
