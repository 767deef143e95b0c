"""The waiting requests, in the order of a policy: what gateway and engines see of one.

``spec`` is a policy of one of the forms of the module `base`, whose functions decide.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftsched.core.mechanism import State
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.server import Server

__all__ = [
    "FEWEST_NEW",
    "LATER",
    "NEW_SHARE",
    "PlannedQueue",
    "Policy",
    "RescoredQueue",
    "ScoreQueue",
    "StaticOrder",
    "TenantQueue",
]


class Policy(Protocol):
    """Holds the waiting requests and chooses the next one.

    Any object with these methods serves, also a user's own class handed to
    `driftsched.simulation.simulate`, which then runs on the SimPy engine. It owns its queue; it may
    read requests but not change them.
    """

    def push(self, request: Request) -> None:
        """Take a request in."""
        ...

    def pop(self, now: float) -> Request:
        """Remove and return the next request; called only when one waits. `now` in seconds."""
        ...

    def order(self, request: Request, /) -> float:
        """Sort key of a request, lowest first.

        It ranks those who run, where the policy preempts, and one tenant's requests while that is
        at its running limit. One that also takes ``now`` is told the time.
        """
        ...

    def remove(self, request: Request) -> None:
        """Forget a waiting request that has been given up; its status is set by now.

        May be missing from a user's own class; the request is then passed over when it is chosen.
        """
        ...

    def __len__(self) -> int:
        """Number of waiting requests."""
        ...


class StaticOrder:
    """A heap by a score that does not change while a request waits: O(log n) a step.

    A user's own policy may derive from it and define `order`. Ties go to the earlier arrival, then
    to the lower request id.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, float, int, Request]] = []
        self._removed = 0  # still in the heap, passed over when they come up

    def order(self, request: Request, /) -> float:
        """Score of a request, lowest first."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def push(self, request: Request) -> None:
        entry = (self.order(request), request.arrival_s, request.request_id, request)
        heappush(self._heap, entry)

    def pop(self, now: float) -> Request:
        while True:
            request = heappop(self._heap)[3]
            if not request.status:
                return request
            self._removed -= 1

    def remove(self, request: Request) -> None:
        self._removed += 1

    def __len__(self) -> int:
        return len(self._heap) - self._removed


class ScoreQueue(StaticOrder):
    """A heap by a policy's score, taken once for each request."""

    def __init__(self, spec: Any) -> None:
        super().__init__()
        self.spec = spec
        self.preempts = spec.preempts

    def order(self, request: Request, now: float = 0.0) -> float:
        return float(self.spec.score(request, self.spec, now))


class RescoredQueue:
    """All who wait, scored anew at each choice."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.preempts = spec.preempts
        self._waiting: dict[int, Request] = {}

    def order(self, request: Request, now: float = 0.0) -> float:
        return float(self.spec.score(request, self.spec, now))

    def push(self, request: Request) -> None:
        self._waiting[request.request_id] = request

    def pop(self, now: float) -> Request:
        least = min(
            self._waiting.values(),
            key=lambda one: (self.order(one, now), one.arrival_s, one.request_id),
        )
        return self._waiting.pop(least.request_id)

    def remove(self, request: Request) -> None:
        del self._waiting[request.request_id]

    def __len__(self) -> int:
        return len(self._waiting)


LATER = 1e12
"""Scores from here on are of requests that a plan has put off."""

FEWEST_NEW, NEW_SHARE = 8, 8
"""So many newcomers, and one in so many of those who wait, make a new plan."""


class PlannedQueue:
    """A heap by scores from a plan for all who wait; see `PlannedPolicy`."""

    def __init__(self, spec: Any, server: Server) -> None:
        self.spec, self.server = spec, server
        self._waiting: dict[int, Request] = {}
        self._scores: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []  # an entry with another score is an old one
        self._new = 0  # who came after the last plan
        self._choices = 0

    def order(self, request: Request, now: float = 0.0) -> float:
        due_s = float(self.spec.due_s(request, self.server, self.spec))
        return due_s if self._begin_s(request, due_s) >= now else self._later(request)

    def _begin_s(self, request: Request, due_s: float) -> float:
        """When the server must begin with it."""
        return float(due_s - self.spec.work_s(request, self.server, self.spec))

    def _later(self, request: Request) -> float:
        return float(LATER + self.spec.later(request, self.server, self.spec))

    def push(self, request: Request) -> None:
        number, score = request.request_id, self.order(request, request.arrival_s)
        self._waiting[number], self._scores[number] = request, score
        heappush(self._heap, (score, number))
        self._new += 1

    def pop(self, now: float) -> Request:
        self._choices += 1
        enough = max(FEWEST_NEW, len(self._waiting) // NEW_SHARE)
        first = self._first()
        if self._new >= enough or self._begin_s(self._waiting[first], self._scores[first]) < now:
            self._plan(now)
        chosen = self._first()
        if self.spec.their_turn(self._choices, self.spec):
            put_off = [(score, number) for number, score in self._scores.items() if score >= LATER]
            if put_off:
                chosen = min(put_off)[1]
        del self._scores[chosen]
        return self._waiting.pop(chosen)

    def _first(self) -> int:
        while True:
            score, number = self._heap[0]
            if self._scores.get(number) == score:
                return number
            heappop(self._heap)

    def _plan(self, now: float) -> None:
        """Decide anew who is put off."""
        spec, server = self.spec, self.server
        self._scores = {one.request_id: self.order(one, now) for one in self._waiting.values()}
        in_time = [(score, number) for number, score in self._scores.items() if score < LATER]
        planned: list[tuple[float, int, float]] = []
        free_s = now
        for due_s, number in sorted(in_time):
            request = self._waiting[number]
            work_s = spec.work_s(request, server, spec)
            heappush(planned, (spec.worth(request, server, spec) / work_s, number, work_s))
            free_s += work_s
            while planned and free_s > due_s:
                _, put_off, saved_s = heappop(planned)
                free_s -= saved_s
                self._scores[put_off] = self._later(self._waiting[put_off])
        self._heap = [(score, number) for number, score in self._scores.items()]
        heapify(self._heap)
        self._new = 0

    def remove(self, request: Request) -> None:
        del self._waiting[request.request_id], self._scores[request.request_id]

    def __len__(self) -> int:
        return len(self._waiting)


class TenantQueue:
    """A queue a tenant, first come first served, and who of them is next.

    Parameters
    ----------
    spec : TenantPolicy
        Whose functions.
    tenants : list of State
        A record a tenant.
    record : State
        The queue's own.
    """

    def __init__(self, spec: Any, tenants: Sequence[Any], record: State) -> None:
        self.spec, self.tenants, self.record = spec, tenants, record
        self.by_tokens = spec.by_tokens
        self._queues: list[deque[Request]] = [deque() for _ in tenants]
        self._last = 0  # whose queue became empty last
        self._size = 0

    def order(self, request: Request, now: float = 0.0) -> float:
        return request.arrival_s

    def push(self, request: Request) -> None:
        queue = self._queues[request.tenant]
        if not queue:
            waiting = [self._score(one) for one in self.tenants if self._queues[one.number]]
            self.record.least = min(waiting) if waiting else self._score(self.tenants[self._last])
            self.spec.lift(self.tenants[request.tenant], self.record, self.spec)
        queue.append(request)
        self._size += 1

    def pop(self, now: float) -> Request:
        waiting = (one for one in self.tenants if self._queues[one.number])
        tenant = min(waiting, key=self._score)
        request: Request = self._queues[tenant.number].popleft()
        self.spec.charge(tenant, self.record, request, self.spec)
        self._left(tenant.number)
        return request

    def remove(self, request: Request) -> None:
        self._queues[request.tenant].remove(request)
        self._left(request.tenant)

    def generated(self, request: Request, tokens: int) -> None:
        """Take note that a running request has given `tokens` more tokens."""
        self.spec.generated(self.tenants[request.tenant], tokens, self.spec)

    def scores(self) -> list[float]:
        """Each tenant's score now, whether or not its requests wait."""
        return [self._score(tenant) for tenant in self.tenants]

    def _score(self, tenant: Any) -> float:
        return float(self.spec.score(tenant, self.record, self.spec))

    def _left(self, tenant: int) -> None:
        self._size -= 1
        if not self._queues[tenant]:
            self._last = tenant

    def __len__(self) -> int:
        return self._size
