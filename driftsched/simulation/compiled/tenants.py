"""Policies by tenant: a queue a tenant, and whose is next; see `TenantPolicy` and `TenantQueue`.

The tenants of whom requests wait play a tournament by their scores, so that a choice among a
thousand of them costs no more than ten steps.
"""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.mechanisms import (
    charge,
    generated,
    lift,
    request_of,
    tenant_score,
)
from driftsched.simulation.compiled.order import play
from driftsched.simulation.compiled.state import KernelState

__all__ = ["append", "count_tokens", "forget", "next_by_tenant"]


@inlined
def append(w: KernelState, queue: int, item: int) -> None:
    """Add a request to its tenant's queue."""
    run, tenant = w.run[0], w.requests[item].tenant
    mine, whole = w.tenant_queues[queue, tenant], w.queues[queue]
    if mine.size == 0:
        whole.least = w.tenant_score[queue, w.tenant_winners[queue, 1]]
        if whole.least == inf:
            whole.least = score_of_tenant(w, queue, whole.last)
        lift(run.policy, mine, whole, w.policy_parameters[0])
        rank(w, queue, tenant, score_of_tenant(w, queue, tenant))
        mine.head = item
    else:
        w.behind[mine.tail] = item
    mine.tail = item
    mine.size += 1


@inlined
def next_by_tenant(w: KernelState, queue: int) -> int:
    """Take the next request; there must be one."""
    tenant = w.tenant_winners[queue, 1]
    mine = w.tenant_queues[queue, tenant]
    item = mine.head
    while w.requests[item].end:
        item = w.behind[item]
    mine.head = w.behind[item]
    mine.size -= 1
    request, p = request_of(w, item), w.policy_parameters[0]
    charge(w.run[0].policy, mine, w.queues[queue], request, p)
    if mine.size == 0:
        empty(w, queue, tenant)
    else:
        rank(w, queue, tenant, score_of_tenant(w, queue, tenant))
    return int(item)


@inlined
def forget(w: KernelState, queue: int, item: int) -> None:
    """Count a request no more that has left its tenant's queue; it is passed over later."""
    tenant = w.requests[item].tenant
    mine = w.tenant_queues[queue, tenant]
    mine.size -= 1
    w.queues[queue].size -= 1
    if mine.size == 0:
        empty(w, queue, tenant)


@inlined
def count_tokens(w: KernelState, queue: int, item: int, tokens: int) -> None:
    """Tell the policy that a running request has given `tokens` more."""
    tenant = w.requests[item].tenant
    mine = w.tenant_queues[queue, tenant]
    generated(w.run[0].policy, mine, tokens, w.policy_parameters[0])
    if mine.size > 0:
        rank(w, queue, tenant, score_of_tenant(w, queue, tenant))


@inlined
def score_of_tenant(w: KernelState, queue: int, tenant: int) -> float:
    """The policy's score of a tenant."""
    mine, whole = w.tenant_queues[queue, tenant], w.queues[queue]
    return float(tenant_score(w.run[0].policy, mine, whole, w.policy_parameters[0]))


@inlined
def empty(w: KernelState, queue: int, tenant: int) -> None:
    """Note that nobody waits of a tenant any more."""
    w.queues[queue].last = tenant
    rank(w, queue, tenant, inf)


@inlined
def rank(w: KernelState, queue: int, tenant: int, value: float) -> None:
    """Let a tenant play with another score; inf is out of the game."""
    play(w.tenant_score[queue], w.tenant_winners[queue], tenant, value)
