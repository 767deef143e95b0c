"""What both batching modes share: a replica's place in the run, its appointment and its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from driftsched.gateway.queue import Line
from driftsched.simulation.world import REPLICAS

if TYPE_CHECKING:
    from driftsched.gateway.gateway import Gateway
    from driftsched.scenario.engine import Engine
    from driftsched.scheduling.request import Request
    from driftsched.serving.iteration import IterationCost
    from driftsched.simulation.clock import Appointment, Clock

__all__ = ["GpuLog", "Place", "Replica", "Source", "boundary", "kv_within"]

GpuLog = list[tuple[float, int, int, int]]
"""time_s, running, kv_used_tokens from then on, and until then: one row at each change.

Between two rows the KV cache grows evenly, from the third of the first to the fourth of the second.
"""


def boundary(
    cost: IterationCost, start_s: float, time_s: float, running: int, kv: int
) -> tuple[int, float]:
    """First iteration boundary at or after `time_s`: iterations since `start_s`, and its time."""
    steps, lasting = cost.iterations_past(time_s - start_s, running, kv)
    if start_s + lasting < time_s:  # by rounding
        steps, lasting = steps + 1, cost.decode_seconds(steps + 1, running, kv)
    return steps, start_s + lasting


def kv_within(
    cost: IterationCost, start_s: float, time_s: float, most: int, running: int, kv: int
) -> int:
    """KV tokens at a time within a stretch of at most `most` iterations."""
    if not running:
        return kv
    return kv + running * min(most, cost.iterations_past(time_s - start_s, running, kv)[0])


class ShutLine(Line):
    """The line of a replica that takes nobody; its policy still ranks those who run."""

    def next(self, now: float) -> Request | None:
        return None


class Source(Protocol):
    """Where requests come from, as a replica sees it.

    A replica that foresees arrivals (`Traffic`) wakes itself for them and submits them; one that
    does not (`AnnouncedTraffic`) is told of them by `Replica.notify`.
    """

    next_s: float
    """Time of the next arrival where it is foreseen; else inf."""

    def advance(self, now: float) -> object:
        """Submit what arrived up to and including `now` and was not announced."""
        ...

    def idle(self, now: float) -> bool:
        """Take note that a replica has nothing to do; True when it should wait for `next_s`."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a replica stands: who wakes it, who feeds it, what it can do.

    Attributes
    ----------
    clock : Clock
        Who wakes it.
    source : Source
        Where requests come from.
    gateway : Gateway
        Told of every request that ends.
    line : Line
        Which queue it takes requests from.
    engine : Engine
        How requests share it.
    cost : IterationCost
        What an iteration takes.
    kv_capacity : int
        Tokens of KV cache it has.
    number : int
        Written into the requests' replica column; the order at one instant.
    """

    clock: Clock
    source: Source
    gateway: Gateway
    line: Line
    engine: Engine
    cost: IterationCost
    kv_capacity: int
    number: int = 0


class Replica:
    """One modelled GPU (or several as one, by tensor parallelism); a subclass says how it batches.

    It is a machine with one appointment: `_wake` settles what has ended, takes requests from its
    line and makes the next appointment. `notify` moves the appointment forward.

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
    """

    def __init__(self, place: Place) -> None:
        self.clock, self.source, self.gateway = place.clock, place.source, place.gateway
        self.line, self.cost, self.number = place.line, place.cost, place.number
        self._own_line, self._next_cost = place.line, place.cost
        self.order = REPLICAS + place.number
        self.batch_size, self.kv_capacity = place.engine.batch_size, place.kv_capacity
        self.log: GpuLog = []
        self.busy = False
        self.batches = 0
        self.peers: Sequence[Replica] = ()
        self._reserved = 0
        self._grown = 0  # KV tokens just before what ended at this boundary left
        self._appointment: Appointment | None = None
        self._gone: dict[Request, tuple[str, str]] = {}  # running, given up: status and reason

    @property
    def empty(self) -> bool:
        """Whether no request is in it, nor about to be."""
        return not self.busy

    def start(self) -> None:
        """Be woken at time 0."""
        self._arm(0.0)

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

    def crash(self, now: float) -> tuple[list[Request], list[Request]]:
        """Lose everything; those who ran, and those who were chosen only, are the caller's.

        Those whose clients had left end now.
        """
        grown = self._kv_by(now)
        running, chosen = self._clear()
        for request in [one for one in running if one in self._gone]:
            running.remove(request)
            self.gateway.abandon(request, now, *self._gone[request])
        self._gone, self._reserved, self.busy = {}, 0, False
        if self._appointment is not None:
            self._appointment.cancel()
        self.log.append((now, 0, 0, grown))
        self._grown = 0
        return running, chosen

    def _kv_by(self, now: float) -> int:
        """KV tokens in the middle of a stretch."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _clear(self) -> tuple[list[Request], list[Request]]:
        """Forget all requests: those who ran, and those who were chosen only."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def hand_back(self) -> list[Request]:
        """Give up those who were chosen and have not run yet."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def shut(self, shut: bool) -> None:
        """Draw no requests from the line, or draw again."""
        self.line = ShutLine(self._own_line.policy) if shut else self._own_line

    def reprice(self, cost: IterationCost, now: float) -> None:
        """Let iterations that begin from `now` on take another time."""
        self._next_cost = cost
        self._cut_short(now)

    def _cut_short(self, now: float) -> None:
        """End the stretch under way at its first boundary from `now` on."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _wake(self, appointment: Appointment) -> None:
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def _arm(self, time_s: float) -> None:
        """Make the appointment, or move it forward."""
        if self._appointment is not None:
            self._appointment.cancel()
        self._appointment = self.clock.at(time_s, self.order, self._wake)

    def _tell_peers(self, now: float) -> None:
        if self.gateway.waiting:
            for peer in self.peers:
                peer.notify(now)

    def _rest(self, now: float) -> None:
        """Wait, empty, for the next arrival."""
        self.busy = False
        self.log.append((now, 0, 0, self._grown))
        self._grown = 0
        if self.source.idle(now):
            self._arm(self.source.next_s)
