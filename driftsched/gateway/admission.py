"""Admission: what a tenant may still take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Limits

__all__ = ["TenantGate", "no_room", "rate_full", "waiting_full"]


class TenantGate:
    """One tenant's limits and how far they are used.

    The rate limit is a token bucket that holds `burst` and fills at `rate_rps`.

    Parameters
    ----------
    limits : Limits
        The tenant's; None is no limit.

    Attributes
    ----------
    waiting, running : int
        Requests in the queues and in engines; gateway and lines count them.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting = 0
        self.running = 0
        self._credit = float(limits.burst)
        self._credited_s = 0.0

    def refusal(self, now: float) -> str:
        """Reason why a request may not come in at `now` (seconds); empty where it may.

        One that may takes a token of the rate limit.
        """
        limits = self.limits
        if limits.waiting is not None and self.waiting >= limits.waiting:
            return waiting_full(limits)
        if limits.rate_rps is not None:
            gained = (now - self._credited_s) * limits.rate_rps
            self._credit = min(float(limits.burst), self._credit + gained)
            self._credited_s = now
            # The tolerance keeps requests that come at just the rate from being lost to rounding.
            if self._credit < 1 - 1e-9:
                return rate_full(limits)
            self._credit -= 1
        return ""

    @property
    def full(self) -> bool:
        """Whether the tenant is at its running limit."""
        limit = self.limits.running
        return limit is not None and self.running >= limit


def no_room(needed: int, capacity: int) -> str:
    """Reason of a rejection: no replica holds so many tokens."""
    return f"needs {needed} tokens of KV cache, {capacity} fit"


def waiting_full(limits: Limits) -> str:
    """Reason of a rejection: the tenant's queue is full."""
    return f"tenant's waiting limit of {limits.waiting} reached"


def rate_full(limits: Limits) -> str:
    """Reason of a rejection: the tenant sends too fast."""
    return f"tenant's rate limit of {limits.rate_rps:g} requests/s reached"
