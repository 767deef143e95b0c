"""Gang batching (static batching); see `driftsched.simulation.gang`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.cost import cost_of, decode_seconds, iteration_seconds
from driftsched.simulation.compiled.gateway import finish
from driftsched.simulation.compiled.jit import once
from driftsched.simulation.compiled.mechanisms import gang_starts
from driftsched.simulation.compiled.order import play, pop_row, push_row
from driftsched.simulation.compiled.patience import drop
from driftsched.simulation.compiled.prefill import cached_of, hold, next_of, put_back
from driftsched.simulation.compiled.replicas import log, rest, tell_peers
from driftsched.simulation.compiled.state import ID_BITS, ID_MASK, RUNNING, KernelState
from driftsched.simulation.compiled.tenants import count_stretch


@once
def form(w: KernelState, number: int, now: float) -> None:
    """Take who waits; then start, or wait for more."""
    replica, run = w.replicas[number], w.run[0]
    _take(w, number, now)
    if replica.chunks == 0:
        rest(w, number, now)
        return
    replica.deadline_s = min(replica.deadline_s, now + run.batch_wait_s)
    size, blocked = replica.chunks, replica.blocked > 0
    if gang_starts(size, run.batch_size, blocked, now, replica.deadline_s):
        _start(w, number, now)
    else:
        play(w.wake, number, replica.deadline_s)


@once
def _take(w: KernelState, number: int, now: float) -> None:
    """Dispatch as many requests as have room.

    A chosen request whose KV cache does not fit yet waits at the head until it does.
    """
    replica = w.replicas[number]
    while replica.chunks < w.run[0].batch_size:
        item = next_of(w, number, now)
        if item < 0:
            break
        if not hold(w, number, item, 0):
            put_back(w, number, item, now)
            break
        request = w.requests[item]
        request.place = RUNNING
        request.dispatch_s = now
        request.batch_id = replica.batches
        request.replica = number
        w.pieces[number, replica.chunks].item = item
        replica.chunks += 1


@once
def _start(w: KernelState, number: int, now: float) -> None:
    """Begin with the prefill of the whole gang; nobody can join until it ends."""
    replica = w.replicas[number]
    running, kv, tokens, squares = replica.chunks, 0, 0, 0
    for place in range(running):
        item = w.pieces[number, place].item
        prompt, cached = int(w.requests[item].prompt_tokens), cached_of(w, item)
        kv += prompt
        tokens += prompt - cached
        squares += prompt * prompt - cached * cached
        push_row(w.decoding[number], place, (int(w.requests[item].output_tokens) << ID_BITS) | item)
    log(w, number, now, running, 0)
    replica.busy, replica.batches = True, replica.batches + 1
    replica.decoding, replica.kv = running, kv
    replica.iteration, replica.steps = 0, 1
    cost = cost_of(w.costs, replica.cost)
    seconds = iteration_seconds(cost, tokens, 0, squares, running, running)
    play(w.wake, number, now + seconds)


@once
def settle_gang(w: KernelState, number: int, now: float) -> None:
    """Count the stretch that has ended; those who have their length compute no more.

    They give nothing back until the longest ends.
    """
    replica, decoding = w.replicas[number], w.decoding[number]
    if replica.iteration == 0:
        for place in range(replica.chunks):
            request = w.requests[w.pieces[number, place].item]
            if request.end == 0:
                request.first_token_s = now
    steps = replica.steps
    count_stretch(w, number)
    replica.iteration += steps
    replica.kv += steps * replica.decoding
    replica.grown = replica.kv
    if replica.gone > 0:
        drop(w, number, now)
    while replica.decoding > 0 and decoding[0] >> ID_BITS == replica.iteration:
        item = pop_row(decoding, replica.decoding) & ID_MASK
        replica.decoding -= 1
        replica.kv -= w.requests[item].prompt_tokens + replica.iteration
    if replica.decoding == 0:
        _release(w, number, now)
        return
    log(w, number, now, replica.decoding, replica.kv)
    steps = (decoding[0] >> ID_BITS) - replica.iteration
    replica.start_s, replica.steps = now, steps
    cost = cost_of(w.costs, replica.cost)
    play(w.wake, number, now + decode_seconds(cost, steps, replica.decoding, replica.kv))


@once
def _release(w: KernelState, number: int, now: float) -> None:
    """End the gang: all finish together, in order of their ids."""
    replica, in_order = w.replicas[number], w.decoding[number]
    log(w, number, now, 0, 0)
    replica.grown = 0
    for place in range(replica.chunks):
        push_row(in_order, place, w.pieces[number, place].item)
    for left in range(replica.chunks, 0, -1):
        item = pop_row(in_order, left)
        request = w.requests[item]
        replica.reserved -= request.prompt_tokens + request.max_output_tokens
        finish(w, item, now)
    if w.run[0].peers:
        tell_peers(w, number, now)
    replica.busy, replica.chunks, replica.deadline_s = False, 0, inf
