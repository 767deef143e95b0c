"""Clients who give up; see `driftsched.gateway.patience` and `Fleet.give_up`."""

from __future__ import annotations

from math import inf, isnan

from driftsched.simulation.compiled.blocks import needed, unseat
from driftsched.simulation.compiled.gateway import abandon, withdraw
from driftsched.simulation.compiled.jit import apart, inlined, once
from driftsched.simulation.compiled.order import pop, pop_row, push, push_row, remove_row
from driftsched.simulation.compiled.replicas import cut_short, notify, tell_peers
from driftsched.simulation.compiled.retries import react
from driftsched.simulation.compiled.state import (
    BLOCKED,
    GANG,
    HELD,
    HUNG_UP,
    ID_BITS,
    NO_FIRST_TOKEN,
    NOT_FINISHED,
    QUEUED,
    KernelState,
)


@once
def expect(w: KernelState, item: int) -> None:
    """Keep the first deadline of a request that has just been queued.

    Of two to the first token the shorter decides. The one to the last token is longer and follows
    when the first token came in time, so that a request has one in the heap.
    """
    request = w.requests[item]
    tenant = w.tenants[request.tenant]
    first_s = min(tenant.first_token_timeout_s, _drawn(w, item))
    request.late = tenant.timeout_s <= first_s
    after_s = min(first_s, tenant.timeout_s)
    if after_s < inf:
        _keep(w, item, w.arrival_s[item] + after_s)


@inlined
def _drawn(w: KernelState, item: int) -> float:
    """Patience until the first token, as drawn."""
    return float(w.patience_s[item]) if len(w.patience_s) > 0 else inf


@inlined
def _keep(w: KernelState, item: int, time_s: float) -> None:
    """Look at a request at a time; of those at one instant, in order of their ids."""
    run = w.run[0]
    push(w.deadlines, run.due, time_s, item)
    run.due += 1
    run.due_s = w.deadlines[0].key


@once
def lapse(w: KernelState) -> None:
    """Let the first deadline pass: nothing happens where the request has ended."""
    run = w.run[0]
    now, item = run.due_s, pop(w.deadlines, run.due)
    run.due -= 1
    run.due_s = w.deadlines[0].key if run.due > 0 else inf
    if w.requests[item].end == 0 and isnan(w.requests[item].finish_s):
        _look(w, item, now)


@apart
def _look(w: KernelState, item: int, now: float) -> None:
    """Give a request up, unless its first token was what it needed by now."""
    request = w.requests[item]
    tenant = w.tenants[request.tenant]
    if request.late:
        request.end = NOT_FINISHED
    elif isnan(request.first_token_s):
        fixed = tenant.first_token_timeout_s <= _drawn(w, item)
        request.end = NO_FIRST_TOKEN if fixed else HUNG_UP
    else:
        if tenant.timeout_s < inf:
            request.late = True
            _keep(w, item, w.arrival_s[item] + tenant.timeout_s)
        return
    w.run[0].now = now
    _give_up(w, item, now)
    if w.run[0].making:
        react(w, item, now)


@once
def _give_up(w: KernelState, item: int, now: float) -> None:
    """End a request whose client leaves: at once where it waits, else at the next boundary."""
    request, gang = w.requests[item], w.run[0].mode == GANG
    head = request.place == BLOCKED
    if request.place in (QUEUED, HELD):
        withdraw(w, item, now)
        return
    number = _leave_blocked(w, item) if head else int(request.replica)
    replica = w.replicas[number]
    if head or (gang and not replica.busy):
        if not head:
            _take_member_out(w, number, item)
            replica.deadline_s = replica.deadline_s if replica.chunks > 0 else inf
        abandon(w, item, now)
        tell_peers(w, number, now)
        if gang:
            notify(w, number, now)
            return
    else:
        push_row(w.gone[number], replica.gone, item)
        replica.gone += 1
    cut_short(w, number, now)


@once
def _leave_blocked(w: KernelState, item: int) -> int:
    """Take a request from the blocked of the replica that chose it; returns its number."""
    for number in range(len(w.replicas)):
        replica, blocked = w.replicas[number], w.blocked[number]
        for place in range(replica.blocked):
            if blocked[place] == item:
                replica.blocked -= 1
                for other in range(place, replica.blocked):
                    blocked[other] = blocked[other + 1]
                return number
    return -1


@apart
def drop(w: KernelState, number: int, now: float) -> None:
    """End those who ran and were given up, in order of their ids."""
    replica = w.replicas[number]
    while replica.gone > 0:
        item = pop_row(w.gone[number], replica.gone)
        replica.gone -= 1
        if w.run[0].mode == GANG:
            _take_member_out(w, number, item)
        else:
            _take_out(w, number, item)
        abandon(w, item, now)
    tell_peers(w, number, now)


@once
def _take_out(w: KernelState, number: int, item: int) -> None:
    """Free the place and the KV cache of one who runs."""
    replica, request, paged = w.replicas[number], w.requests[item], w.run[0].paged
    if item == replica.partial:
        replica.partial = -1
        if paged:
            replica.free += needed(w, replica.partial_end)
    else:
        entry = remove_row(w.decoding[number], replica.decoding, item)
        replica.decoding -= 1
        to_come = (entry >> ID_BITS) - replica.iteration
        held = request.prompt_tokens + request.output_tokens - to_come
        replica.kv -= held
        if paged:
            unseat(w, number, item)
            replica.free += needed(w, held - 1)
    if not paged:
        replica.reserved -= request.prompt_tokens + request.max_output_tokens


@inlined
def _take_member_out(w: KernelState, number: int, item: int) -> None:
    """Free the place and the KV cache of a member of the gang, which may still be forming."""
    replica, request, gang = w.replicas[number], w.requests[item], w.pieces[number]
    replica.chunks -= 1
    place = 0
    while gang[place].item != item:
        place += 1
    for other in range(place, replica.chunks):
        gang[other].item = gang[other + 1].item
    replica.reserved -= request.prompt_tokens + request.max_output_tokens
    if replica.busy and request.output_tokens >= replica.iteration:
        remove_row(w.decoding[number], replica.decoding, item)
        replica.decoding -= 1
        replica.kv -= request.prompt_tokens + replica.iteration
