"""Policies that plan: who begins in time, who is put off; see `PlannedQueue`."""

from __future__ import annotations

from math import inf

from driftsched.scheduling.policies.queues import FEWEST_NEW, LATER, NEW_SHARE
from driftsched.scheduling.server import Server
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.mechanisms import (
    due_s,
    later,
    request_of,
    their_turn,
    work_s,
    worth,
)
from driftsched.simulation.compiled.order import pop, push
from driftsched.simulation.compiled.state import POLICY, KernelState


@inlined
def server_of(w: KernelState) -> Server:
    """What serves a queue."""
    one = w.server[0]
    return Server(one.prompt_s, one.token_s, one.seats, one.kv_tokens, one.replicas)


@inlined
def planned_key(w: KernelState, item: int, now: float) -> float:
    """Score of a request that was queued, by itself, lowest first."""
    chance = w.chances[item]
    return float(chance.due_s if chance.due_s - chance.work_s >= now else chance.put_off)


@inlined
def work_of(w: KernelState, item: int) -> float:
    """Seconds of the server that it takes."""
    return float(w.chances[item].work_s)


@inlined
def put_off_key(w: KernelState, item: int) -> float:
    """Score of a request that is put off."""
    return float(w.chances[item].put_off)


@apart
def add_planned(w: KernelState, queue: int, item: int) -> None:
    """Queue a request, scored by itself; what a plan asks of it does not change while it waits."""
    run, p, state = w.run[0], w.parameters[POLICY], w.queues[queue]
    request, server, chance = request_of(w, item), server_of(w), w.chances[item]
    chance.work_s = work_s(run.policy, request, server, p)
    chance.due_s = due_s(run.policy, request, server, p)
    chance.put_off = LATER + later(run.policy, request, server, p)
    chance.worth = worth(run.policy, request, server, p)
    push(w.heaps[queue], state.size, planned_key(w, item, w.arrival_s[item]), item)
    state.planned += 1
    state.fresh += 1


@apart
def best_planned(w: KernelState, queue: int, now: float) -> int:
    """Take the next one; -1 where all have left."""
    run, state, p = w.run[0], w.queues[queue], w.parameters[POLICY]
    if not anybody(w, queue):
        return -1
    state.choices += 1
    enough = max(FEWEST_NEW, state.planned // NEW_SHARE)
    first = w.heaps[queue, 0]
    if state.fresh >= enough or first.key - work_of(w, first.item) < now:
        plan(w, queue, now)
    if their_turn(run.policy, state.choices, p):
        place = first_put_off(w, queue)
        if place > 0:
            push(w.heaps[queue], place, -1.0, w.heaps[queue, place].item)
    item = pop(w.heaps[queue], state.size)
    state.size -= 1
    state.planned -= 1
    return int(item)


@inlined
def anybody(w: KernelState, queue: int) -> bool:
    """Whether somebody waits, who is first then: those who have left go."""
    state = w.queues[queue]
    while state.size > 0 and w.requests[w.heaps[queue, 0].item].end:
        pop(w.heaps[queue], state.size)
        state.size -= 1
    return state.size > 0  # type: ignore[no-any-return]


@apart
def first_put_off(w: KernelState, queue: int) -> int:
    """Place of who is first of those who are put off; -1 is nobody."""
    waiting, first, least, lowest = w.heaps[queue], -1, inf, -1
    for place in range(w.queues[queue].size):
        key, item = waiting[place].key, waiting[place].item
        earlier = key < least or (key == least and item < lowest)
        if key >= LATER and earlier and not w.requests[item].end:
            first, least, lowest = place, key, item
    return first


@apart
def plan(w: KernelState, queue: int, now: float) -> None:
    """Decide anew who is put off; where that changes no score the heap stays as it is."""
    state, waiting = w.queues[queue], w.heaps[queue]
    by_latest, scores = w.plans[0], w.plans[2]
    size = in_time = 0
    same = True
    for place in range(state.size):
        item = int(waiting[place].item)
        if w.requests[item].end:
            same = False
            continue
        key = planned_key(w, item, now)
        same = same and key == waiting[place].key
        scores[item].key = key
        waiting[size].item = item
        size += 1
        if key < LATER:
            push(by_latest, in_time, key, item)
            in_time += 1
    for left in range(in_time, 0, -1):  # sorted in its own place, the latest first
        by_latest[left - 1].item = pop(by_latest, left)
    if _put_off(w, in_time, now) or not same:
        for place in range(size):
            item = int(waiting[place].item)
            push(waiting, place, scores[item].key, item)
    state.size = size
    state.fresh = 0


@inlined
def _put_off(w: KernelState, in_time: int, now: float) -> bool:
    """Go through a plan and put off the least worth where somebody would be late; whether any.

    Who is worth how much is asked only from there on.
    """
    by_latest, planned, scores = w.plans[0], w.plans[1], w.plans[2]
    free_s, kept, asked = now, 0, in_time
    for place in range(in_time - 1, -1, -1):
        item = int(by_latest[place].item)
        free_s += work_of(w, item)
        if asked == in_time and free_s <= scores[item].key:
            continue
        while asked > place:
            asked -= 1
            one = int(by_latest[asked].item)
            chance = w.chances[one]
            push(planned, kept, chance.worth / chance.work_s, one)
            kept += 1
        while kept > 0 and free_s > scores[item].key:
            put_off = pop(planned, kept)
            kept -= 1
            free_s -= work_of(w, put_off)
            scores[put_off].key = put_off_key(w, put_off)
    return asked < in_time
