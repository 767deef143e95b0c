"""Gang batching in numbers; see `driftsched.simulation.gang`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.continuous import tell_peers
from driftsched.simulation.compiled.cost import iteration_s, stretch_s
from driftsched.simulation.compiled.gateway import finish
from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.order import wake_at
from driftsched.simulation.compiled.replicas import log, rest, take
from driftsched.simulation.compiled.rows import pop_first, push_row
from driftsched.simulation.compiled.world import ID_BITS, World

__all__ = ["form", "release"]


@inlined
def form(w: World, number: int, now: float) -> None:
    """Take who waits; then start, or wait for more."""
    replica, run = w.replicas[number], w.run[0]
    take(w, number, replica.joining, now)
    if replica.joining == 0:
        rest(w, number, now)
        return
    replica.deadline_s = min(replica.deadline_s, now + run.batch_wait_s)
    room = replica.joining < run.batch_size and replica.stalled < 0
    if room and now < replica.deadline_s:
        wake_at(w, number, replica.deadline_s)
    else:
        start(w, number, now)


@inlined
def start(w: World, number: int, now: float) -> None:
    """Run a gang from its prefill to its end; nobody can join in between."""
    replica = w.replicas[number]
    replica.busy, replica.batches = True, replica.batches + 1
    running, kv, squares = replica.joining, 0, 0
    for place in range(running):
        tokens = int(w.requests[w.joining[number, place]].prompt_tokens)
        kv += tokens
        squares += tokens * tokens
    log(w, number, now, running, 0)
    now += iteration_s(w.costs, replica.cost, kv, 0, squares, running, running)
    leaving = w.leaving[number]
    for place in range(running):
        item = w.joining[number, place]
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
    for place in range(replica.joining):
        push_row(in_order, place, w.joining[number, place])
    for left in range(replica.joining, 0, -1):
        item = in_order[0]
        pop_first(in_order, left)
        request = w.requests[item]
        replica.reserved -= request.prompt_tokens + request.max_output_tokens
        finish(w, item, now)
    if w.run[0].peers:
        tell_peers(w, number, now)
    replica.busy, replica.joining, replica.deadline_s = False, 0, inf
