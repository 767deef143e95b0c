"""Gang batching in numbers; see `driftsched.simulation.gang`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.continuous import tell_peers
from driftsched.simulation.compiled.cost import iteration_s, stretch_s
from driftsched.simulation.compiled.gateway import finish
from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.order import wake_at
from driftsched.simulation.compiled.prefill import cached_of, hold, next_of
from driftsched.simulation.compiled.replicas import log, rest
from driftsched.simulation.compiled.rows import pop_first, push_row
from driftsched.simulation.compiled.world import ID_BITS, World

__all__ = ["form", "release"]


@inlined
def form(w: World, number: int, now: float) -> None:
    """Take who waits; then start, or wait for more."""
    replica, run = w.replicas[number], w.run[0]
    take(w, number, now)
    if replica.chunks == 0:
        rest(w, number, now)
        return
    replica.deadline_s = min(replica.deadline_s, now + run.batch_wait_s)
    room = replica.chunks < run.batch_size and replica.heads == 0
    if room and now < replica.deadline_s:
        wake_at(w, number, replica.deadline_s)
    else:
        start(w, number, now)


@inlined
def take(w: World, number: int, now: float) -> None:
    """Dispatch as many requests as have room.

    A chosen request whose KV cache does not fit yet waits at the head until it does.
    """
    replica = w.replicas[number]
    while replica.chunks < w.run[0].batch_size:
        item = next_of(w, number)
        if item < 0:
            break
        if not hold(w, number, item, 0):
            w.heads[number, 0] = item
            replica.heads = 1
            break
        request = w.requests[item]
        request.dispatch_s = now
        request.batch_id = replica.batches
        request.replica = number
        w.chunk[number, replica.chunks] = item
        replica.chunks += 1


@inlined
def start(w: World, number: int, now: float) -> None:
    """Run a gang from its prefill to its end; nobody can join in between."""
    replica = w.replicas[number]
    replica.busy, replica.batches = True, replica.batches + 1
    running, kv, tokens, squares = replica.chunks, 0, 0, 0
    for place in range(running):
        prompt = int(w.requests[w.chunk[number, place]].prompt_tokens)
        cached = cached_of(w, w.chunk[number, place])
        kv += prompt
        tokens += prompt - cached
        squares += prompt * prompt - cached * cached
    log(w, number, now, running, 0)
    now += iteration_s(w.costs, replica.cost, tokens, 0, squares, running, running)
    leaving = w.leaving[number]
    for place in range(running):
        item = w.chunk[number, place]
        request = w.requests[item]
        request.first_token_s = now
        push_row(leaving, place, (int(request.output_tokens) << ID_BITS) | item)
    kv += running
    done = 1
    while running > 0:
        item = leaving[0] & ((1 << ID_BITS) - 1)
        request = w.requests[item]
        steps = request.output_tokens - done
        if steps > 0:
            log(w, number, now, running, kv)
            now += stretch_s(w.costs, replica.cost, steps, running, kv)
            kv += steps * running
            done = request.output_tokens
        pop_first(leaving, running)
        running -= 1
        kv -= request.prompt_tokens + done
    wake_at(w, number, now)


@inlined
def release(w: World, number: int, now: float) -> None:
    """End the gang: all finish together, in order of their ids."""
    replica, in_order = w.replicas[number], w.leaving[number]
    log(w, number, now, 0, 0)
    for place in range(replica.chunks):
        push_row(in_order, place, w.chunk[number, place])
    for left in range(replica.chunks, 0, -1):
        item = in_order[0]
        pop_first(in_order, left)
        request = w.requests[item]
        replica.reserved -= request.prompt_tokens + request.max_output_tokens
        finish(w, item, now)
    if w.run[0].peers:
        tell_peers(w, number, now)
    replica.busy, replica.chunks, replica.deadline_s = False, 0, inf
