"""What a scheduling policy is: parameters and the functions that choose, in three forms.

A policy scores *requests*, once when they are queued or anew at each choice, or it scores *tenants*
and serves the chosen one's requests in order of arrival, or it *plans* for all who wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from driftsched.core.mechanism import Mechanism, State
from driftsched.scheduling.policies.queues import (
    PlannedQueue,
    Policy,
    RescoredQueue,
    ScoreQueue,
    TenantQueue,
)

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.server import Server

__all__ = ["PlannedPolicy", "PolicySpec", "ScorePolicy", "TenantPolicy", "TenantTraits"]


class TenantTraits(Protocol):
    """What a policy may know of a tenant beforehand."""

    @property
    def weight(self) -> float:
        """Share of service."""
        ...

    @property
    def rank(self) -> int:
        """1 premium, 2 standard, 3 batch."""
        ...


class PolicySpec(Mechanism):
    """Common base of the policies; see `Mechanism`. A policy derives from one of those below.

    Attributes
    ----------
    reads_mean : bool
        Whether it looks at ``request.estimated_mean_tokens``, which is kept for those alone who do.
    """

    reads_mean: ClassVar[bool] = False

    def build(self, tenants: Sequence[TenantTraits], server: Callable[[], Server]) -> Policy:
        """Return a fresh, empty queue of waiting requests for these tenants.

        `server` tells, where that is asked, what serves them.
        """
        raise NotImplementedError  # pragma: no cover - all forms define it


class ScorePolicy(PolicySpec):
    """Serves the request with the lowest score; ties go to the earlier arrival, then the lower id.

    Attributes
    ----------
    rescored : bool
        False: a request is scored when it is queued, and the score must not depend on `now`; one
        heap, O(log n) a step. True: all who wait are scored at each choice, O(n).
    preempts : bool
        True: where a request finds no room in a continuous batch, the running one with the highest
        score gives way if that is above its own; it waits in the queue, and its prompt and what it
        has given are computed again. Looked at when somebody comes or leaves: a score that rises
        while a request runs is noticed then. A static batch and a live engine are not interrupted.
    """

    rescored: ClassVar[bool] = False
    preempts: ClassVar[bool] = False

    @staticmethod
    def score(request: Request, p: Any, now: float) -> float:
        """Score of a waiting request at `now` (seconds), lowest first.

        Where the policy preempts, also of a running one, whose `generated_tokens` are up to date.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def build(self, tenants: Sequence[TenantTraits], server: Callable[[], Server]) -> Policy:
        return RescoredQueue(self) if self.rescored else ScoreQueue(self)


class PlannedPolicy(PolicySpec):
    """Serves all in time that can be; the least worth for their work wait for later.

    A plan goes through the requests in order of `due_s`, as if each had the server to itself for
    its `work_s`. Whenever one would be done too late, those with the least worth / work so far are
    put off until it is not (Moore & Hodgson). Who is in the plan goes first, by `due_s`; then who
    is put off, or could not be in time at all, by `later`; ties go to the lower id. A new plan is
    made once an eighth of those who wait, and eight of them, have come since the last one, or where
    the first of the plan cannot be in time any more. What these functions say of a request stays
    while it waits.
    """

    @staticmethod
    def due_s(request: Request, server: Server, p: Any) -> float:
        """When the server must be done with its work: too late if within `work_s` from now."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def work_s(request: Request, server: Server, p: Any) -> float:
        """Seconds of the server that the request takes, above 0."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def worth(request: Request, server: Server, p: Any) -> float:
        """What it is worth to be done by `due_s`."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def later(request: Request, server: Server, p: Any) -> float:
        """Order of those who are put off, lowest first."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def their_turn(choice: int, p: Any) -> bool:
        """Whether the choice-th choice is for the first of those who are put off."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def build(self, tenants: Sequence[TenantTraits], server: Callable[[], Server]) -> Policy:
        return PlannedQueue(self, server())


class TenantPolicy(PolicySpec):
    """Serves the tenant with the lowest score; ties go to the lower number. FIFO inside a tenant.

    Two kinds of records are kept for each queue. A tenant's has ``number``, ``weight`` and ``rank``
    and the fields of `tenant_state`; the queue's has ``tenants`` (how many there are), ``least``
    (see `lift`) and the fields of `queue_state`.

    Attributes
    ----------
    rescored : bool
        True: all tenants who wait are scored at each choice, O(tenants). False: a tenant's score
        moves only when something is told of this very tenant, and never falls, O(log tenants); then
        `score` must not look at the queue.
    tenant_state, queue_state : dict
        Fields and first values; a field that `begin` gives values for begins with those.
    by_tokens : bool
        Whether `generated` is to be called.
    """

    rescored: ClassVar[bool] = True
    tenant_state: ClassVar[dict[str, float]] = {}
    queue_state: ClassVar[dict[str, float]] = {}
    by_tokens: ClassVar[bool] = False

    @staticmethod
    def begin(weights: Sequence[float]) -> dict[str, Sequence[float]]:
        """First values of tenants' fields that follow from all weights; called once, in Python."""
        return {}

    @staticmethod
    def score(tenant: Any, queue: Any, p: Any) -> float:
        """Score of a tenant of whom requests wait, lowest first; changes nothing."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def lift(tenant: Any, queue: Any, p: Any) -> None:
        """Take note that a request of this tenant waits, and none did before.

        ``queue.least`` is the lowest score of the tenants that wait; where none does, that of the
        last one that did.
        """

    @staticmethod
    def charge(tenant: Any, queue: Any, request: Any, p: Any) -> None:
        """Take note that this tenant's request was chosen."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def generated(tenant: Any, tokens: int, p: Any) -> None:
        """Take note that a running request of this tenant has given `tokens` more tokens."""

    def build(self, tenants: Sequence[TenantTraits], server: Callable[[], Server]) -> Policy:
        return TenantQueue(self, *self.records(tenants))

    def records(self, tenants: Sequence[TenantTraits]) -> tuple[list[State], State]:
        """Return the tenants' records and the queue's, before anything was queued."""
        first = self.begin([tenant.weight for tenant in tenants])
        rows = [
            State(
                {"number": number, "weight": float(tenant.weight), "rank": tenant.rank}
                | self.tenant_state
                | {name: values[number] for name, values in first.items()}
            )
            for number, tenant in enumerate(tenants)
        ]
        return rows, State({"tenants": len(rows), "least": 0.0} | self.queue_state)
