"""Policies by tenant: a queue a tenant, and whose is next; see `TenantPolicy` and `TenantQueue`.

The tenants of whom requests wait play a tournament by their scores, so that a choice among a
thousand of them costs no more than ten steps.
"""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.cost import boundary_after, cost_of
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.mechanisms import (
    charge,
    generated,
    lift,
    request_of,
    tenant_score,
)
from driftsched.simulation.compiled.order import play
from driftsched.simulation.compiled.state import GANG, ID_BITS, KernelState

__all__ = ["append", "catch_up", "count_stretch", "count_tokens", "forget", "next_by_tenant"]


@inlined
def append(w: KernelState, queue: int, item: int) -> None:
    """Add a request to its tenant's queue."""
    run, tenant = w.run[0], w.requests[item].tenant
    mine, whole = w.tenant_queues[queue, tenant], w.queues[queue]
    if mine.size == 0:
        if run.rescored:
            rescore(w, queue)
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
    if w.run[0].rescored:
        rescore(w, queue)
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


@apart
def rescore(w: KernelState, queue: int) -> None:
    """Score all tenants of whom requests wait."""
    for tenant in range(len(w.tenants)):
        if w.tenant_queues[queue, tenant].size > 0:
            rank(w, queue, tenant, score_of_tenant(w, queue, tenant))


@inlined
def forget(w: KernelState, queue: int, item: int) -> None:
    """Count a request no more that has left its tenant's queue; it is passed over later."""
    tenant = w.requests[item].tenant
    mine = w.tenant_queues[queue, tenant]
    mine.size -= 1
    w.queues[queue].size -= 1
    if mine.size == 0:
        empty(w, queue, tenant)


@apart
def count_tokens(w: KernelState, queue: int, item: int, tokens: int) -> None:
    """Tell the policy that a running request has given `tokens` more."""
    tenant = w.requests[item].tenant
    mine = w.tenant_queues[queue, tenant]
    generated(w.run[0].policy, mine, tokens, w.policy_parameters[0])
    if mine.size > 0:
        rank(w, queue, tenant, score_of_tenant(w, queue, tenant))


@apart
def count_until(w: KernelState, number: int, iterations: int) -> None:
    """Tell it of the tokens that a replica's first iterations of this stretch have given."""
    replica, mask = w.replicas[number], (1 << ID_BITS) - 1
    if iterations > replica.counted:
        for place in range(replica.decoding):
            item = w.decoding[number, place] & mask
            count_tokens(w, replica.queue, item, iterations - replica.counted)
        replica.counted = iterations


@inlined
def count_stretch(w: KernelState, number: int) -> None:
    """Tell it of all those of the stretch that has ended."""
    if w.run[0].counts_tokens:
        count_until(w, number, w.replicas[number].steps)
        w.replicas[number].counted = w.replicas[number].steps = 0


@inlined
def catch_up(w: KernelState, now: float) -> None:
    """Tell it of all tokens given before `now`, before something is decided."""
    if w.run[0].counts_tokens:
        count_all(w, now)


@apart
def count_all(w: KernelState, now: float) -> None:
    """Tell it of all tokens given before `now`."""
    for number in range(len(w.replicas)):
        replica = w.replicas[number]
        prefill = replica.iteration == 0 if w.run[0].mode == GANG else replica.chunks > 0
        if replica.busy and replica.decoding > 0 and not prefill:
            start, decoding, kv = replica.start_s, replica.decoding, replica.kv
            cost = cost_of(w.costs, replica.cost)
            ended = boundary_after(cost, start, now, decoding, kv) - 1
            count_until(w, number, min(ended, replica.steps))


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
    if value != w.tenant_score[queue, tenant]:
        play(w.tenant_score[queue], w.tenant_winners[queue], tenant, value)
