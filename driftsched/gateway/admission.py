"""Admission: what a tenant may still take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftsched.scenario.tenants import Limits

__all__ = [
    "ACCEPTED",
    "NO_ROOM",
    "RATE_FULL",
    "TOO_LONG",
    "WAITING_FULL",
    "TenantGate",
    "does_not_fit",
    "may_run",
    "no_room",
    "rate_full",
    "refusal",
    "too_long",
    "waiting_full",
]

ACCEPTED, TOO_LONG, NO_ROOM, WAITING_FULL, RATE_FULL = range(5)
"""What admission says of a request."""


def does_not_fit(
    prompt_tokens: int, max_output_tokens: int, context_tokens: int, capacity: int
) -> int:
    """`TOO_LONG` or `NO_ROOM` where no engine could ever serve a request.

    Its prompt leaves no room for an answer in the model's context, as in vLLM, or prompt and
    longest answer are more than the KV cache holds (`capacity`, tokens).
    """
    if prompt_tokens >= context_tokens:
        return TOO_LONG
    return NO_ROOM if prompt_tokens + max_output_tokens > capacity else ACCEPTED


def refusal(gate: Any, now: float) -> int:
    """`WAITING_FULL` or `RATE_FULL` where a tenant's request may not come in at `now` (seconds).

    One that may takes a token of the rate limit: a bucket that holds ``gate.burst`` and fills at
    ``gate.rate_rps``. `gate` is a `TenantGate` or a record with its fields.
    """
    if gate.waiting_limit >= 0 and gate.waiting >= gate.waiting_limit:
        return WAITING_FULL
    if gate.rate_rps >= 0:
        gained = (now - gate.credited_s) * gate.rate_rps
        gate.credit = min(gate.burst, gate.credit + gained)
        gate.credited_s = now
        # The tolerance keeps requests that come at just the rate from being lost to rounding.
        if gate.credit < 1 - 1e-9:
            return RATE_FULL
        gate.credit -= 1
    return ACCEPTED


def may_run(gate: Any) -> bool:
    """Whether the tenant is under its running limit."""
    return bool(gate.running_limit < 0 or gate.running < gate.running_limit)


class TenantGate:
    """One tenant's limits and how far they are used.

    Parameters
    ----------
    limits : Limits
        The tenant's; None is no limit.

    Attributes
    ----------
    waiting_limit, running_limit, rate_rps, burst : numbers
        The limits; below 0 is no limit.
    waiting, running : int
        Requests in the queues and in engines; gateway and queues count them.
    credit, credited_s : float
        Tokens in the bucket of the rate limit, and when they were counted.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting_limit = -1 if limits.waiting is None else limits.waiting
        self.running_limit = -1 if limits.running is None else limits.running
        self.rate_rps = -1.0 if limits.rate_rps is None else limits.rate_rps
        self.burst = self.credit = float(limits.burst)
        self.credited_s = 0.0
        self.waiting = self.running = 0

    def refusal(self, now: float) -> str:
        """Reason why a request may not come in at `now` (seconds); empty where it may."""
        code = refusal(self, now)
        if code == WAITING_FULL:
            return waiting_full(self.limits)
        return rate_full(self.limits) if code == RATE_FULL else ""

    @property
    def full(self) -> bool:
        """Whether the tenant is at its running limit."""
        return not may_run(self)


def too_long(prompt_tokens: int, context_tokens: int) -> str:
    """Reason of a rejection: the prompt fills the context."""
    return f"prompt of {prompt_tokens} tokens, the context holds {context_tokens} with the answer"


def no_room(needed: int, capacity: int) -> str:
    """Reason of a rejection: no replica holds so many tokens."""
    return f"needs {needed} tokens of KV cache, {capacity} fit"


def waiting_full(limits: Limits) -> str:
    """Reason of a rejection: the tenant's queue is full."""
    return f"tenant's waiting limit of {limits.waiting} reached"


def rate_full(limits: Limits) -> str:
    """Reason of a rejection: the tenant sends too fast."""
    return f"tenant's rate limit of {limits.rate_rps:g} requests/s reached"
