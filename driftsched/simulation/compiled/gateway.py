"""The gateway in numbers: budget, admit, queue, choose, learn; see `driftsched.scheduling`."""

from __future__ import annotations

from driftsched.simulation.compiled.compensators import FORESEEN, learn, predict
from driftsched.simulation.compiled.heap import pop, push
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.retries import think_on
from driftsched.simulation.compiled.routers import route
from driftsched.simulation.compiled.turns import append, forget, next_in_turn
from driftsched.simulation.compiled.world import (
    HELD,
    NO_ROOM,
    QUEUED,
    RATE_FULL,
    TURNS,
    WAITING_FULL,
    World,
)

__all__ = ["abandon", "choose", "finish", "key_of", "submit", "withdraw"]


@inlined
def submit(w: World, item: int) -> int:
    """Budget an arriving request and queue it; returns the queue's number, -1 for a rejection."""
    run, request = w.run[0], w.requests[item]
    if run.compensator != FORESEEN:
        bias = predict(w, item)
        w.bias[item] = bias
        w.estimate[item] = int(w.uncorrected_estimate[item] * bias)
    reason = 0
    if request.prompt_tokens + request.max_output_tokens > run.capacity:
        reason = NO_ROOM
    elif run.limited:
        reason = refusal(w, request.tenant, w.arrival_s[item])
    if reason:
        request.end = reason
        request.finish_s = w.arrival_s[item]
        return -1
    if run.limited:
        w.tenants[request.tenant].waiting += 1
    line = route(w, item) if run.routed else 0
    enqueue(w, item, line)
    w.lines[line].waiting += 1
    run.waiting += 1
    return line


@inlined
def refusal(w: World, tenant: int, now: float) -> int:
    """Reason why a tenant's request may not come in; 0 where it may."""
    gate = w.tenants[tenant]
    if gate.waiting_limit >= 0 and gate.waiting >= gate.waiting_limit:
        return WAITING_FULL
    if gate.rate_rps >= 0:
        gained = (now - gate.credited_s) * gate.rate_rps
        gate.credit = min(gate.burst, gate.credit + gained)
        gate.credited_s = now
        if gate.credit < 1 - 1e-9:
            return RATE_FULL
        gate.credit -= 1
    return 0


@inlined
def key_of(w: World, item: int) -> float:
    """The policy's score of a request, lowest first."""
    weight = w.run[0].budget_weight
    if weight == 0:
        return float(w.keys[item])
    return float(w.keys[item] + weight * (w.prompt_length[item] + w.estimate[item]))


@inlined
def enqueue(w: World, item: int, line: int) -> None:
    """Give a request to the policy."""
    if w.run[0].choice == TURNS:
        append(w, line, item)
    else:
        push(w.heap_keys[line], w.heap_ids[line], 0, w.lines[line].size, key_of(w, item), item)
    w.lines[line].size += 1


@inlined
def dequeue(w: World, line: int) -> int:
    """Take the policy's next request; there must be one."""
    state = w.lines[line]
    if w.run[0].choice == TURNS:
        item = next_in_turn(w, line)
    else:
        item = pop(w.heap_keys[line], w.heap_ids[line], 0, state.size)
    state.size -= 1
    return int(item)


@inlined
def choose(w: World, line: int) -> int:
    """Choose the next request to dispatch; -1 when none may go.

    A chosen request whose tenant is at its running limit is held in that tenant's own heap.
    """
    state = w.lines[line]
    while state.size > 0:
        item = dequeue(w, line)
        if w.requests[item].end:
            continue
        if may_run(w, item):
            state.waiting -= 1
            w.run[0].waiting -= 1
            return item
        # Within a tenant `TURNS` goes by arrival, which is the order of the ids.
        key = 0.0 if w.run[0].choice == TURNS else key_of(w, item)
        queue = w.queues[line, w.requests[item].tenant]
        push(w.held_keys[line], w.held_ids[line], queue.held_first, queue.held, key, item)
        queue.held += 1
        w.requests[item].place = HELD
    return -1


@inlined
def may_run(w: World, item: int) -> bool:
    """Whether a chosen request's tenant has a place in the engine; takes it."""
    if w.run[0].limited:
        gate = w.tenants[w.requests[item].tenant]
        if 0 <= gate.running_limit <= gate.running:
            return False
        gate.waiting -= 1
        gate.running += 1
    return True


@inlined
def finish(w: World, item: int, now: float) -> None:
    """Record that a request has given its last token, learn from it, free its tenant's place."""
    run = w.run[0]
    w.requests[item].finish_s = now
    w.learned_id[run.finished] = item
    if run.compensator != FORESEEN:
        w.learned_bias[run.finished] = learn(w, item)
    run.finished += 1
    depart(w, item)
    if run.closed:
        think_on(w, item, now)


@apart
def abandon(w: World, item: int, now: float) -> None:
    """Record that a chosen request ended without finishing; nothing is learnt from it."""
    w.requests[item].finish_s = now
    depart(w, item)


@inlined
def withdraw(w: World, item: int, now: float) -> None:
    """Record that a waiting request ended; where it lies in a heap, it is passed over there."""
    run, request = w.run[0], w.requests[item]
    request.finish_s = now
    line = request.replica if run.routed else 0
    w.lines[line].waiting -= 1
    run.waiting -= 1
    if run.limited:
        w.tenants[request.tenant].waiting -= 1
    if run.routed:
        unload(w, item)
    if run.choice == TURNS and request.place != HELD:
        forget(w, line, item)


@inlined
def depart(w: World, item: int) -> None:
    """Free the tenant's place in the engine, however the request ended."""
    if w.run[0].routed:
        unload(w, item)
    if w.run[0].limited:
        free(w, w.requests[item].tenant)


@inlined
def unload(w: World, item: int) -> None:
    """Tell the router that a request has left its replica."""
    replica = w.replicas[w.requests[item].replica]
    replica.sent -= 1
    replica.sent_tokens -= w.prompt_length[item] + w.estimate[item]


@inlined
def free(w: World, tenant: int) -> None:
    """Free a tenant's place; each queue's first held request goes back to the policy."""
    w.tenants[tenant].running -= 1
    for line in range(len(w.lines)):
        queue = w.queues[line, tenant]
        while queue.held > 0:
            freed = pop(w.held_keys[line], w.held_ids[line], queue.held_first, queue.held)
            queue.held -= 1
            if w.requests[freed].end == 0:
                w.requests[freed].place = QUEUED
                enqueue(w, freed, line)
                break
