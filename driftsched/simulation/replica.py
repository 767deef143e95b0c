"""What both batching modes share: a replica is a process, iteration after iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import simpy

from driftsched.gateway.interfaces import REPLICAS
from driftsched.serving.iteration import boundary_after, decode_seconds, iterations_past

if TYPE_CHECKING:
    from driftsched.gateway.gateway import Gateway
    from driftsched.gateway.queue import Queue
    from driftsched.scenario.engine import Engine
    from driftsched.scheduling.request import Request
    from driftsched.serving.iteration import IterationCost
    from driftsched.simulation.clock import Clock, Steps

__all__ = ["GpuLog", "Replica", "ReplicaContext"]

GpuLog = list[tuple[float, int, int, int]]
"""time_s, running, kv_used_tokens from then on, and until then: one row at each change.

Between two rows the KV cache grows evenly, from the third of the first to the fourth of the second.
"""


@dataclass(frozen=True)
class ReplicaContext:
    """What a replica is given.

    Attributes
    ----------
    clock : Clock
        On which it is a process.
    gateway : Gateway
        Told of every request that ends.
    queue : Queue
        Where it takes requests from.
    engine : Engine
        How requests share it.
    cost : IterationCost
        What an iteration takes.
    kv_capacity : int
        Tokens of KV cache it has.
    number : int
        Written into the requests' replica column; the order at one instant.
    rested : callable
        Told (number, now) when it has nothing more to do.
    """

    clock: Clock
    gateway: Gateway
    queue: Queue
    engine: Engine
    cost: IterationCost
    kv_capacity: int
    number: int
    rested: Callable[[int, float], None]


class Replica:
    """One modelled GPU (or several as one, by tensor parallelism); a subclass says how it batches.

    A *stretch* is a number of iterations in which nobody joins or leaves: the replica waits for its
    end once, since it has a closed form, and not for each token. Others may bring the end forward
    by interrupting the process, to a boundary between two iterations.

    Attributes
    ----------
    log : GpuLog
        Its course.
    busy : bool
        Whether requests are in it.
    batches : int
        Number of the batch being formed.
    peers : sequence of Replica
        Those that a request's end here can give room to.
    closed : bool
        Whether it takes no more requests from its queue.
    """

    def __init__(self, context: ReplicaContext) -> None:
        self.clock, self.gateway, self.queue = context.clock, context.gateway, context.queue
        self._queue_number = context.gateway.queues.index(context.queue)
        self.cost, self.number = context.cost, context.number
        self.batch_size, self.kv_capacity = context.engine.batch_size, context.kv_capacity
        self.log: GpuLog = []
        self.busy = self.closed = False
        self.batches = 0
        self.peers: Sequence[Replica] = ()
        self._rested, self._next_cost = context.rested, context.cost
        self._wake_s = 0.0  # when the process goes on; inf until somebody calls
        self._start_s, self._steps = 0.0, 0  # the stretch under way
        self._decoding = self._kv = 0  # requests that decode, and tokens they read in its first one
        self._reserved = self._grown = 0  # _grown: KV tokens just before what ended now left
        self._gone: dict[Request, tuple[str, str]] = {}  # running, given up: status and reason
        self._counted = 0  # iterations of this stretch whose tokens the gateway knows of
        self.process = self.clock.process(self.run())

    def run(self) -> Steps:
        """Compute for ever: settle what has ended, plan the next stretch, wait for its end."""
        while True:
            yield from self._wait()
            now = self.clock.now
            if self.busy:
                self._settle(now)
            if not self._plan(now):
                self._rest(now)

    def _wait(self) -> Steps:
        """Wait for `_wake_s`, which others may move."""
        while True:
            try:
                if self._wake_s == inf:
                    yield self.clock.event()
                else:
                    rank = self.clock.rank(REPLICAS + self.number)
                    yield from self.clock.until(self._wake_s, rank)
            except simpy.Interrupt:
                continue
            self._wake_s = inf
            return

    def _wake_at(self, time_s: float) -> None:
        """Set, or move, the time at which the process goes on."""
        self._wake_s = time_s
        if self.clock.active_process is not self.process:
            self.process.interrupt()

    def _settle(self, now: float) -> None:
        """Count the stretch that has ended; those who have their length leave."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _plan(self, now: float) -> bool:
        """Take requests, begin the next stretch and set its end; False where nobody is here."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _rest(self, now: float) -> None:
        """Wait, empty, until somebody calls."""
        self.busy = False
        self.log.append((now, 0, 0, self._grown))
        self._grown = 0
        self._rested(self.number, now)

    def _decode(self, now: float, steps: int) -> None:
        """Begin a stretch of `steps` iterations in which all running requests decode."""
        self._start_s, self._steps = now, steps
        self._wake_at(now + decode_seconds(self.cost, steps, self._decoding, self._kv))

    def count_tokens(self, now: float) -> None:
        """Tell the gateway of the tokens given in the stretch under way, before `now`."""
        if self.busy and self._stretching and self._decoding:
            start_s, decoding, kv = self._start_s, self._decoding, self._kv
            ended = boundary_after(self.cost, start_s, now, decoding, kv) - 1
            self._count_until(min(ended, self._steps))

    def _count_until(self, iterations: int) -> None:
        """Tell it of those of the first iterations of this stretch."""
        if self.gateway.counts_tokens and iterations > self._counted:
            for request in self._decoding_requests():
                self.gateway.generated(request, iterations - self._counted)
        self._counted = iterations

    def _count_stretch(self) -> None:
        """Tell it of all those of the stretch that has ended."""
        self._count_until(self._steps)
        self._counted = self._steps = 0

    def _decoding_requests(self) -> Sequence[Request]:
        """Those who give a token in each iteration of the stretch under way."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _next(self, now: float) -> Request | None:
        """The queue's next request; None where none may come."""
        if self.closed or not self.queue.waiting:
            return None
        return self.gateway.take(self._queue_number, now)

    # ------------------------------------------------------------- what others do to it

    @property
    def empty(self) -> bool:
        """Whether no request is in it, nor about to be."""
        return not self.busy

    def notify(self, now: float) -> None:
        """Take note that a request may have come within reach at `now`.

        Where there is room, the replica looks for it at its first iteration boundary from then on.
        """
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def holds(self, request: Request) -> bool:
        """Whether a request runs here, or was chosen and waits for room."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def let_go(self, request: Request, status: str, reason: str, now: float) -> None:
        """End a request that it holds and whose client has left.

        One that runs leaves at the first iteration boundary at or after `now`.
        """
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def reprice(self, cost: IterationCost, now: float) -> None:
        """Let iterations that begin from `now` on take another time."""
        self._next_cost = cost
        self._end_sooner(now)

    def hand_back(self) -> list[Request]:
        """Give up those who were chosen and have not run yet."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def crash(self, now: float) -> tuple[list[Request], list[Request]]:
        """Lose everything; those who ran, and those who were chosen only, are the caller's.

        Those whose clients had left end now.
        """
        self.count_tokens(now)
        self._counted, grown = 0, self._kv
        if self.busy and self._decoding and self._stretching:
            steps = iterations_past(self.cost, now - self._start_s, self._decoding, self._kv)
            grown += self._decoding * min(self._steps, steps)
        running, chosen = self._clear()
        for request in [one for one in running if one in self._gone]:
            running.remove(request)
            self.gateway.abandon(request, now, *self._gone[request])
        self._gone, self._reserved, self.busy = {}, 0, False
        self.log.append((now, 0, 0, grown))
        self._grown = 0
        self._wake_at(inf)
        return running, chosen

    @property
    def _stretching(self) -> bool:
        """Whether the stretch under way has no prompts in it."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _clear(self) -> tuple[list[Request], list[Request]]:
        """Forget all requests: those who ran, and those who were chosen only."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _end_sooner(self, now: float) -> None:
        """End the stretch under way at its first boundary from `now` on."""
        if self.busy and self._steps > 1 and now < self._wake_s:
            self._cut(now)

    def _cut(self, time_s: float) -> None:
        """End the stretch at its first boundary from `time_s` on."""
        start_s, decoding, kv = self._start_s, self._decoding, self._kv
        self._steps = boundary_after(self.cost, start_s, time_s, decoding, kv)
        self._wake_at(start_s + decode_seconds(self.cost, self._steps, decoding, kv))

    # ------------------------------------------------------------- requests given up

    def _drop(self, now: float) -> None:
        """At a boundary: end those who run and were given up."""
        for request in sorted(self._gone, key=lambda one: one.request_id):
            self._take_out(request)
            self.gateway.abandon(request, now, *self._gone[request])
        self._gone = {}
        self._tell_peers(now)

    def _take_out(self, request: Request) -> None:
        """Free the place and the KV cache of one who runs, at a boundary."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _tell_peers(self, now: float) -> None:
        if self.gateway.waiting:
            for peer in self.peers:
                peer.notify(now)
