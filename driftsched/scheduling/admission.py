"""Admission: what a tenant may still take."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Limits, Tenant
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request

__all__ = ["TenantGate", "TenantGates"]


class TenantGate:
    """One tenant's limits and how far they are used.

    The rate limit is a token bucket that holds `burst` and fills at `rate_rps`.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting = 0
        self.running = 0
        self.held: list[tuple[float, float, int, Request]] = []
        self._credit = float(limits.burst)
        self._credited_s = 0.0

    def refusal(self, now: float) -> str:
        """Reason why a request may not come in at `now` (seconds); empty where it may."""
        limits = self.limits
        if limits.waiting is not None and self.waiting >= limits.waiting:
            return f"tenant's waiting limit of {limits.waiting} reached"
        if limits.rate_rps is not None:
            gained = (now - self._credited_s) * limits.rate_rps
            self._credit = min(float(limits.burst), self._credit + gained)
            self._credited_s = now
            # The tolerance keeps requests that come at just the rate from being lost to rounding.
            if self._credit < 1 - 1e-9:
                return f"tenant's rate limit of {limits.rate_rps:g} requests/s reached"
            self._credit -= 1
        return ""

    @property
    def full(self) -> bool:
        """Whether the tenant is at its running limit."""
        limit = self.limits.running
        return limit is not None and self.running >= limit


class TenantGates:
    """The gates of all tenants, and the requests held back by a running limit.

    A chosen request whose tenant is full is held in that tenant's own heap, in the policy's order,
    and goes back to the policy when one of the tenant's requests leaves the engine. Each dispatch
    holds back at most one request anew, so a step stays O(log n) amortised.
    """

    def __init__(self, tenants: Sequence[Tenant]) -> None:
        self.gates = [TenantGate(tenant.limits) for tenant in tenants]

    def hold(self, request: Request, policy: Policy) -> None:
        """Set a request aside until its tenant has room."""
        gate = self.gates[request.tenant]
        key = policy.order(request)
        heappush(gate.held, (key, request.arrival_s, request.request_id, request))

    def release(self, tenant: int, policy: Policy) -> None:
        """Give the tenant's first held request back to the policy."""
        held = self.gates[tenant].held
        if held:
            policy.push(heappop(held)[3])
