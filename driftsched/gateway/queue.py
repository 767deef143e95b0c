"""A queue of waiting requests: a policy, and those held back by a tenant's running limit."""

from __future__ import annotations

import inspect
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftsched.gateway.admission import TenantGate
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request

__all__ = ["Queue", "order_of"]


def order_of(policy: Policy) -> Callable[[Request, float], float]:
    """Return a policy's `order` by request and time; a user's own may leave the time out."""
    order: Any = policy.order
    if len(inspect.signature(order).parameters) > 1:
        return order  # type: ignore[no-any-return]
    return lambda request, now: order(request)


class Queue:
    """One queue; the cluster has one for all its replicas, or one each.

    A chosen request whose tenant is at its running limit is held in that tenant's own heap, in the
    policy's order, and goes back to the policy when one of the tenant's requests leaves an engine.
    Each dispatch holds back at most one request anew, so a step stays O(log n) amortised.

    Parameters
    ----------
    policy : Policy
        Empty; the queue owns it from here.
    gates : sequence of TenantGate
        One a tenant, shared by all queues; empty where no tenant has a limit.

    Attributes
    ----------
    waiting : int
        Requests in it, those held back included.
    order : callable
        The policy's sort key of a request at a time, lowest first.
    """

    def __init__(self, policy: Policy, gates: Sequence[TenantGate] = ()) -> None:
        self.policy = policy
        self.waiting = 0
        self._gates = gates
        self._held: list[list[tuple[float, float, int, Request]]] = [[] for _ in gates]
        self.order = order_of(policy)
        self._push, self._pop = policy.push, policy.pop

    def push(self, request: Request) -> None:
        """Take a request in."""
        self._push(request)
        self.waiting += 1

    def next(self, now: float) -> Request | None:
        """Choose the next request to dispatch; None when none may go."""
        if not self._gates:
            while self.waiting:
                request = self._pop(now)
                if not request.status:
                    self.waiting -= 1
                    return request
            return None
        policy = self.policy
        while len(policy):
            request = policy.pop(now)
            if request.status:
                continue
            gate = self._gates[request.tenant]
            if not gate.full:
                gate.waiting -= 1
                gate.running += 1
                self.waiting -= 1
                return request
            entry = (self.order(request, now), request.arrival_s, request.request_id, request)
            heappush(self._held[request.tenant], entry)
        return None

    def put_back(self, request: Request) -> None:
        """Take a request in again that was chosen but did not run, or was interrupted."""
        if self._gates:
            gate = self._gates[request.tenant]
            gate.running -= 1
            gate.waiting += 1
        self.push(request)

    def take_all(self) -> list[Request]:
        """Hand out all who wait, held back or not, in order of their ids."""
        waiting = [entry[3] for held in self._held for entry in held]
        for held in self._held:
            held.clear()
        while len(self.policy):
            request = self.policy.pop(0.0)
            if not request.status:
                waiting.append(request)
        self.waiting = 0
        return sorted(waiting, key=lambda request: request.request_id)

    def remove(self, request: Request) -> None:
        """Let a waiting request go, held back or not; its status is set by now.

        A user's own policy without `remove` keeps it, and it is passed over when it is chosen.
        """
        self.waiting -= 1
        if self._gates:
            self._gates[request.tenant].waiting -= 1
            held = self._held[request.tenant]
            for place, entry in enumerate(held):
                if entry[3] is request:
                    del held[place]
                    heapify(held)
                    return
        forget = getattr(self.policy, "remove", None)
        if forget is not None:
            forget(request)

    def release(self, tenant: int) -> None:
        """Give the tenant's first held request back to the policy."""
        held = self._held[tenant]
        if held:
            self.policy.push(heappop(held)[3])
