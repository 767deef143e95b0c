"""Policies that plan: who begins in time, who is put off; see `PlannedQueue`."""

from __future__ import annotations

from math import inf

from driftsched.scheduling.policies.queues import FEWEST_NEW, LATER, NEW_SHARE
from driftsched.scheduling.server import Server
from driftsched.simulation.compiled.heap import pop, push
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.mechanisms import (
    due_s,
    later,
    overdue,
    request_of,
    their_turn,
    work_s,
    worth,
)
from driftsched.simulation.compiled.state import POLICY, KernelState

__all__ = ["add_planned", "best_planned", "planned_key"]


@inlined
def server_of(w: KernelState) -> Server:
    """What serves a queue."""
    one = w.server[0]
    return Server(one.prompt_s, one.token_s, one.seats, one.kv_tokens, one.replicas)


@apart
def planned_key(w: KernelState, item: int, now: float) -> float:
    """Score of a request by itself, lowest first."""
    due = float(
        due_s(w.run[0].policy, request_of(w, item), server_of(w), w.parameters[POLICY], now)
    )
    return due if due - work_of(w, item) >= now else put_off_key(w, item)


@inlined
def work_of(w: KernelState, item: int) -> float:
    """Seconds of the server that it takes."""
    return float(work_s(w.run[0].policy, request_of(w, item), server_of(w), w.parameters[POLICY]))


@inlined
def put_off_key(w: KernelState, item: int) -> float:
    """Score of a request that is put off."""
    p = w.parameters[POLICY]
    return float(LATER + later(w.run[0].policy, request_of(w, item), server_of(w), p))


@apart
def add_planned(w: KernelState, queue: int, item: int) -> None:
    """Queue a request, scored by itself."""
    state, key = w.queues[queue], planned_key(w, item, w.arrival_s[item])
    push(w.heaps[queue], state.size, key, item)
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
        if place > 0 and overdue(run.policy, request_of(w, w.heaps[queue, place].item), p, now):
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
    """Decide anew who is put off."""
    run, state, p = w.run[0], w.queues[queue], w.parameters[POLICY]
    by_latest, planned, scores = w.plans[0], w.plans[1], w.plans[2]
    waiting = in_time = kept = 0
    for place in range(state.size):
        item = int(w.heaps[queue, place].item)
        if not w.requests[item].end:
            w.heaps[queue, waiting].item = item
            waiting += 1
            scores[item].key = planned_key(w, item, now)
            if scores[item].key < LATER:
                push(by_latest, in_time, scores[item].key, item)
                in_time += 1
    free_s = now
    while in_time > 0:
        item = pop(by_latest, in_time)
        in_time -= 1
        own_s = work_of(w, item)
        value = worth(run.policy, request_of(w, item), server_of(w), p, now)
        push(planned, kept, value / own_s, item)
        kept += 1
        free_s += own_s
        while kept > 0 and free_s > scores[item].key:
            put_off = pop(planned, kept)
            kept -= 1
            free_s -= work_of(w, put_off)
            scores[put_off].key = put_off_key(w, put_off)
    for place in range(waiting):
        item = int(w.heaps[queue, place].item)
        push(w.heaps[queue], place, scores[item].key, item)
    state.size = waiting
    state.fresh = 0
