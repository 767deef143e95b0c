"""What a scheduling policy is, and the common kind whose order never changes while waiting."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, ClassVar, Protocol

from driftsched.core.config import Config

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Tenant
    from driftsched.scheduling.request import Request

__all__ = ["Policy", "PolicySpec", "StaticOrder"]


class Policy(Protocol):
    """Holds the waiting requests and chooses the next one.

    Any object with these methods serves, also a user's own class handed to
    `driftsched.simulation.simulate`. It owns its queue; it may read requests but not change them.
    """

    def push(self, request: Request) -> None:
        """Take a request in."""
        ...

    def pop(self, now: float) -> Request:
        """Remove and return the next request; called only when one waits. `now` in seconds."""
        ...

    def order(self, request: Request) -> float:
        """Sort key within one tenant, lowest first; used while a tenant is at its running limit."""
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
    """A policy whose score does not change while a request waits: one heap, O(log n) a step.

    Subclasses define `order`, the score, lowest first. Ties go to the earlier arrival, then to the
    lower request id.

    Attributes
    ----------
    elementwise : bool
        Whether `order`, as this very class defines it, also takes an object whose attributes are
        arrays of a request each, and returns an array. It saves the compiled engine a call a
        request.
    budget_weight : float
        For an order that follows the estimate: how much of it is `total_token_budget`. The
        compiled engine adds it as soon as a request has been estimated, so `order` must be
        ``rest(request) + budget_weight * request.total_token_budget``; then `rest` is called too.
    """

    elementwise: ClassVar[bool] = False
    budget_weight: float = 0.0

    def __init__(self) -> None:
        self._heap: list[tuple[float, float, int, Request]] = []
        self._removed = 0  # still in the heap, passed over when they come up

    def order(self, request: Request) -> float:
        """Score of a request, lowest first."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it

    def rest(self, request: Request) -> float:
        """Score of a request without its budget, where `budget_weight` is not 0."""
        return 0.0

    def arrival_weight(self) -> float | None:
        """How much of `order` (of `rest`, where that is used) is the arrival time.

        For one that is ``what it is for an arrival at 0 + arrival_weight * request.arrival_s``, to
        the last bit. The compiled engine asks for it where clients try again or ask in loops, at
        times that only the run can give; it leaves None, any other order, to the SimPy engine.
        """
        return None

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


class PolicySpec(Config):
    """Common base of the policies' parameters; subclasses define `build`."""

    kind: str

    def build(self, tenants: Sequence[Tenant]) -> Policy:
        """Return a fresh, empty policy for these tenants."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it
