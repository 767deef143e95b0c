"""Policies by tenant: a queue a tenant, and whose is next; see `TenantPolicy` and `TenantQueue`.

The tenants of whom requests wait lie in a heap by their scores, so that a choice costs no more the
more tenants there are.
"""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.cost import boundary_after, cost_of
from driftsched.simulation.compiled.jit import apart, inlined, once
from driftsched.simulation.compiled.mechanisms import (
    charge,
    generated,
    lift,
    request_of,
    tenant_score,
)
from driftsched.simulation.compiled.order import pop, push, sink
from driftsched.simulation.compiled.state import GANG, ID_MASK, POLICY, KernelState


@once
def append(w: KernelState, queue: int, item: int) -> None:
    """Add a request to its tenant's queue."""
    tenant = w.requests[item].tenant
    mine, whole = w.tenant_queues[queue, tenant], w.queues[queue]
    if mine.size == 0:
        first = _first_tenant(w, queue)
        whole.least = _score_of_tenant(w, queue, first if first >= 0 else whole.last)
        lift(w.run[0].policy, mine, whole, w.parameters[POLICY])
        if not mine.listed:
            push(w.listed[queue], whole.listed, _score_of_tenant(w, queue, tenant), tenant)
            whole.listed += 1
            mine.listed = True
        mine.head = item
    else:
        w.behind[mine.tail] = item
    mine.tail = item
    mine.size += 1


@inlined
def _first_tenant(w: KernelState, queue: int) -> int:
    """Who has the least score of those of whom requests wait; -1 is nobody."""
    return _best_tenant(w, queue) if w.run[0].rescored else _first_listed(w, queue)


@apart
def _best_tenant(w: KernelState, queue: int) -> int:
    """The same, scoring all."""
    best, least = -1, inf
    for tenant in range(len(w.tenants)):
        if w.tenant_queues[queue, tenant].size > 0:
            value = _score_of_tenant(w, queue, tenant)
            if best < 0 or value < least:
                best, least = tenant, value
    return best


@inlined
def _first_listed(w: KernelState, queue: int) -> int:
    """The same by the heap: a score never falls, so that an entry is at worst too far ahead."""
    whole, listed = w.queues[queue], w.listed[queue]
    while whole.listed > 0:
        tenant = listed[0].item
        mine = w.tenant_queues[queue, tenant]
        if mine.size == 0:
            pop(listed, whole.listed)
            whole.listed -= 1
            mine.listed = False
            continue
        value = _score_of_tenant(w, queue, tenant)
        if value == listed[0].key:
            return int(tenant)
        sink(listed, whole.listed, 0, value, tenant)
    return -1


@once
def next_by_tenant(w: KernelState, queue: int) -> int:
    """Take the next request; there must be one."""
    tenant = _first_tenant(w, queue)
    mine = w.tenant_queues[queue, tenant]
    item = mine.head
    while w.requests[item].end:
        item = w.behind[item]
    mine.head = w.behind[item]
    mine.size -= 1
    request, p = request_of(w, item), w.parameters[POLICY]
    charge(w.run[0].policy, mine, w.queues[queue], request, p)
    if mine.size == 0:
        w.queues[queue].last = tenant
    return int(item)


@once
def forget(w: KernelState, queue: int, item: int) -> None:
    """Count a request no more that has left its tenant's queue; it is passed over later."""
    tenant = w.requests[item].tenant
    mine = w.tenant_queues[queue, tenant]
    mine.size -= 1
    w.queues[queue].size -= 1
    if mine.size == 0:
        w.queues[queue].last = tenant


@apart
def count_tokens(w: KernelState, queue: int, item: int, tokens: int) -> None:
    """Tell the policy that a running request has given `tokens` more."""
    mine = w.tenant_queues[queue, w.requests[item].tenant]
    generated(w.run[0].policy, mine, tokens, w.parameters[POLICY])


@apart
def _count_until(w: KernelState, number: int, iterations: int) -> None:
    """Tell it of the tokens that a replica's first iterations of this stretch have given."""
    replica = w.replicas[number]
    if iterations > replica.counted:
        for place in range(replica.decoding):
            item = w.decoding[number, place] & ID_MASK
            count_tokens(w, replica.queue, item, iterations - replica.counted)
        replica.counted = iterations


@inlined
def count_stretch(w: KernelState, number: int) -> None:
    """Tell it of all those of the stretch that has ended."""
    if w.run[0].counts_tokens:
        _count_until(w, number, w.replicas[number].steps)
        w.replicas[number].counted = w.replicas[number].steps = 0


@inlined
def catch_up(w: KernelState, now: float) -> None:
    """Tell it of all tokens given before `now`, before something is decided."""
    if w.run[0].counts_tokens:
        _count_all(w, now)


@apart
def _count_all(w: KernelState, now: float) -> None:
    """Tell it of all tokens given before `now`."""
    for number in range(len(w.replicas)):
        replica = w.replicas[number]
        prefill = replica.iteration == 0 if w.run[0].mode == GANG else replica.chunks > 0
        if replica.busy and replica.decoding > 0 and not prefill:
            start, decoding, kv = replica.start_s, replica.decoding, replica.kv
            cost = cost_of(w.costs, replica.cost)
            ended = boundary_after(cost, start, now, decoding, kv) - 1
            _count_until(w, number, min(ended, replica.steps))


@inlined
def _score_of_tenant(w: KernelState, queue: int, tenant: int) -> float:
    """The policy's score of a tenant."""
    mine, whole = w.tenant_queues[queue, tenant], w.queues[queue]
    return float(tenant_score(w.run[0].policy, mine, whole, w.parameters[POLICY]))
