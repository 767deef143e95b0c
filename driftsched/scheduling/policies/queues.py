"""The waiting requests, in the order of a policy: what gateway and engines see of one.

``spec`` is a `ScorePolicy` or `TenantPolicy` of the module `base`, whose functions decide.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftsched.core.mechanism import State
    from driftsched.scheduling.request import Request

__all__ = ["Policy", "RescoredQueue", "ScoreQueue", "StaticOrder", "TenantQueue"]


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

        It ranks those who run, where one must give way, and one tenant's requests while that is at
        its running limit. One that also takes ``now`` is told the time.
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
