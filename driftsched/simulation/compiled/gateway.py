"""The gateway as a kernel: budget, admit, route, queue, choose, learn; see `driftsched.gateway`."""

from __future__ import annotations

from math import inf

from driftsched.estimation.compensators.base import Levels
from driftsched.scheduling.routers import Choice, Offer
from driftsched.simulation.compiled.jit import apart, inlined, once
from driftsched.simulation.compiled.mechanisms import (
    alarm,
    does_not_fit,
    learn,
    learn_mean,
    levels,
    limit_of,
    may_run,
    predict,
    predict_mean,
    refusal,
    request_of,
    route_score,
    score,
    teaches,
)
from driftsched.simulation.compiled.order import pop, push
from driftsched.simulation.compiled.planned import add_planned, best_planned, planned_key
from driftsched.simulation.compiled.retries import think_on
from driftsched.simulation.compiled.state import (
    BY_TENANT,
    COMPENSATOR,
    DETECTOR,
    HELD,
    PLANNED,
    POLICY,
    QUEUED,
    RESCORED,
    ROUTER,
    KernelState,
)
from driftsched.simulation.compiled.tenants import append, catch_up, forget, next_by_tenant


@once
def submit(w: KernelState, item: int) -> int:
    """Budget an arriving request and queue it; returns the queue's number, -1 for a rejection."""
    run, request, now = w.run[0], w.requests[item], w.arrival_s[item]
    catch_up(w, now)
    p = w.parameters[COMPENSATOR]
    bias = float(predict(run.compensator, _levels_of(w, item), request_of(w, item), p))
    w.bias[item] = bias
    limit = limit_of(request, run.censoring)
    w.estimate[item] = min(int(w.uncorrected_estimate[item] * bias), limit)
    if run.means:
        mean = float(predict_mean(run.compensator, _levels_of(w, item), request_of(w, item), p))
        w.mean_estimate[item] = min(int(w.uncorrected_estimate[item] * mean), limit)
    prompt, most = request.prompt_tokens, request.max_output_tokens
    reason = does_not_fit(prompt, most, run.context, run.capacity)
    if reason == 0 and run.limited:
        reason = refusal(w.tenants[request.tenant], now)
    if reason:
        request.end = reason
        request.finish_s = now
        return -1
    if run.limited:
        w.tenants[request.tenant].waiting += 1
    queue = _route(w, item) if run.routed else 0
    _enqueue(w, item, queue, now)
    w.queues[queue].waiting += 1
    run.waiting += 1
    return queue


@inlined
def _levels_of(w: KernelState, item: int) -> Levels:
    """The compensator's states that a request reads and teaches."""
    request = w.requests[item]
    return levels(w.compensation, request.tenant, request.predicted, w.run[0].categories)


@once
def _route(w: KernelState, item: int) -> int:
    """Choose a replica among those whose KV cache can hold the request."""
    run, request = w.run[0], w.requests[item]
    needed = request.prompt_tokens + request.max_output_tokens
    offers = len(w.replicas)
    if needed > run.least_capacity:
        offers = 0
        for number in range(len(w.replicas)):
            offers += w.replicas[number].capacity >= needed
    first = w.draws[run.routes, 0] if len(w.draws) > 0 else 0.0
    second = w.draws[run.routes, 1] if len(w.draws) > 0 else 0.0
    choice = Choice(len(w.replicas), offers, run.last_route, first, second)
    seen, p = request_of(w, item), w.parameters[ROUTER]
    chosen, least, place = -1, inf, 0
    for number in range(len(w.replicas)):
        one = w.replicas[number]
        if one.capacity >= needed:
            offer = Offer(number, place, one.sent, one.sent_tokens, one.capacity)
            value = float(route_score(run.router, seen, offer, choice, p))
            if chosen < 0 or value < least:
                chosen, least = number, value
            place += 1
    run.routes += 1
    run.last_route = chosen
    replica = w.replicas[chosen]
    replica.sent += 1
    replica.sent_tokens += w.prompt_length[item] + w.mean_estimate[item]
    request.replica = chosen
    return chosen


@apart
def requeue(w: KernelState, queue: int, item: int, now: float) -> None:
    """Queue a request again that was chosen, or has run, and free its tenant's place."""
    run, tenant = w.run[0], w.requests[item].tenant
    w.requests[item].place = QUEUED
    _enqueue(w, item, queue, now)
    w.queues[queue].waiting += 1
    run.waiting += 1
    if run.limited:
        w.tenants[tenant].waiting += 1
        _free(w, tenant, now)


@inlined
def key_of(w: KernelState, item: int, now: float) -> float:
    """The policy's score of a request, lowest first; within a tenant `BY_TENANT` goes by id."""
    run = w.run[0]
    if run.choice == BY_TENANT:
        return 0.0
    if run.choice == PLANNED:
        return planned_key(w, item, now)
    return float(score(run.policy, request_of(w, item), w.parameters[POLICY], now))


@inlined
def _enqueue(w: KernelState, item: int, queue: int, now: float) -> None:
    """Give a request to the policy."""
    choice, size = w.run[0].choice, w.queues[queue].size
    if choice == BY_TENANT:
        append(w, queue, item)
    elif choice == RESCORED:
        w.heaps[queue, size].item = item
    elif choice == PLANNED:
        add_planned(w, queue, item)
    else:
        push(w.heaps[queue], size, key_of(w, item, now), item)
    w.queues[queue].size += 1


@once
def _dequeue(w: KernelState, queue: int, now: float) -> int:
    """Take the policy's next request, which may have left; -1 where all have."""
    state, choice = w.queues[queue], w.run[0].choice
    if choice == RESCORED:
        return _best_scored(w, queue, now)
    if choice == PLANNED:
        return best_planned(w, queue, now)
    item = next_by_tenant(w, queue) if choice == BY_TENANT else pop(w.heaps[queue], state.size)
    state.size -= 1
    return int(item)


@apart
def _best_scored(w: KernelState, queue: int, now: float) -> int:
    """Score all who wait and take the best; those who have left go."""
    state, waiting = w.queues[queue], w.heaps[queue]
    best, least, found = -1, inf, -1
    place = 0
    while place < state.size:
        item = int(waiting[place].item)
        if w.requests[item].end:
            state.size -= 1
            waiting[place].item = waiting[state.size].item
            continue
        value = key_of(w, item, now)
        if best < 0 or value < least or (value == least and item < best):
            best, least, found = item, value, place
        place += 1
    if best >= 0:
        state.size -= 1
        waiting[found].item = waiting[state.size].item
    return best


@inlined
def choose(w: KernelState, queue: int, now: float) -> int:
    """Choose the next request to dispatch; -1 when none may go.

    A chosen request whose tenant is at its running limit is held in that tenant's own heap.
    """
    run, state = w.run[0], w.queues[queue]
    catch_up(w, now)
    while state.size > 0:
        item = _dequeue(w, queue, now)
        if item < 0 or w.requests[item].end:
            continue
        gate = w.tenants[w.requests[item].tenant]
        if not run.limited or may_run(gate):
            if run.limited:
                gate.waiting -= 1
                gate.running += 1
            state.waiting -= 1
            run.waiting -= 1
            return item
        _hold_back(w, queue, item, now)
    return -1


@apart
def _hold_back(w: KernelState, queue: int, item: int, now: float) -> None:
    """Put a request aside whose tenant is at its running limit."""
    mine = w.tenant_queues[queue, w.requests[item].tenant]
    push(w.held[queue, mine.held_first :], mine.held, key_of(w, item, now), item)
    mine.held += 1
    w.requests[item].place = HELD


@inlined
def finish(w: KernelState, item: int, now: float) -> None:
    """Record that a request has given its last token, learn from it, free its tenant's place."""
    run = w.run[0]
    w.requests[item].finish_s = now
    request, p = w.requests[item], w.parameters[COMPENSATOR]
    states, ratio = _levels_of(w, item), request.output_length / request.base_tokens
    learned = w.learned[run.finished]
    learned.item = item
    seen = request_of(w, item)
    if run.watched:
        watching = w.parameters[DETECTOR]
        alarm(run.detector, w.detection, w.compensation, run.categories, seen, watching)
    if teaches(seen, run.censoring):
        if run.means:
            learn_mean(run.compensator, states, seen, ratio, p)
        learned.bias = learn(run.compensator, states, seen, ratio, p)
    else:
        learned.bias = predict(run.compensator, states, seen, p)
    run.finished += 1
    _depart(w, item, now)
    if run.closed:
        think_on(w, item, now)


@apart
def abandon(w: KernelState, item: int, now: float) -> None:
    """Record that a chosen request ended without finishing; nothing is learnt from it."""
    w.requests[item].finish_s = now
    _depart(w, item, now)


@once
def withdraw(w: KernelState, item: int, now: float) -> None:
    """Record that a waiting request ended; where it lies in a heap, it is passed over there."""
    run, request = w.run[0], w.requests[item]
    request.finish_s = now
    queue = request.replica if run.routed else 0
    w.queues[queue].waiting -= 1
    run.waiting -= 1
    if run.limited:
        w.tenants[request.tenant].waiting -= 1
    if run.routed:
        _unload(w, item)
    if run.choice == BY_TENANT and request.place != HELD:
        forget(w, queue, item)
    if run.choice == PLANNED and request.place != HELD:
        w.queues[queue].planned -= 1


@inlined
def _depart(w: KernelState, item: int, now: float) -> None:
    """Free the tenant's place in the engine, however the request ended."""
    if w.run[0].routed:
        _unload(w, item)
    if w.run[0].limited:
        _free(w, w.requests[item].tenant, now)


@inlined
def _unload(w: KernelState, item: int) -> None:
    """Tell the router that a request has left its replica."""
    replica = w.replicas[w.requests[item].replica]
    replica.sent -= 1
    replica.sent_tokens -= w.prompt_length[item] + w.mean_estimate[item]


@apart
def _free(w: KernelState, tenant: int, now: float) -> None:
    """Free a tenant's place; each queue's first held request goes back to the policy."""
    catch_up(w, now)
    w.tenants[tenant].running -= 1
    for queue in range(len(w.queues)):
        mine = w.tenant_queues[queue, tenant]
        while mine.held > 0:
            freed = pop(w.held[queue, mine.held_first :], mine.held)
            mine.held -= 1
            if w.requests[freed].end == 0:
                w.requests[freed].place = QUEUED
                _enqueue(w, freed, queue, now)
                break
