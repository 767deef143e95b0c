"""Continuous batching with jump-ahead in numbers; see `driftsched.simulation.continuous`."""

from __future__ import annotations

from driftsched.simulation.compiled.cost import iteration_s, stretch_past, stretch_s
from driftsched.simulation.compiled.gateway import finish
from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.order import wake_at
from driftsched.simulation.compiled.replicas import log, rest, take
from driftsched.simulation.compiled.rows import pop_first, push_row
from driftsched.simulation.compiled.world import ID_BITS, World

__all__ = ["notify", "plan", "settle", "tell_peers"]


@inlined
def settle(w: World, number: int, now: float) -> None:
    """Count the stretch that has ended: those who joined decode, those who are done leave."""
    replica, leaving = w.replicas[number], w.leaving[number]
    iteration = replica.iteration + replica.steps
    decoding = replica.decoding
    kv = replica.kv + replica.steps * decoding
    for place in range(replica.joining):
        item = w.joining[number, place]
        request = w.requests[item]
        request.first_token_s = now
        kv += request.prompt_tokens + 1
        last = iteration + request.output_tokens - 1
        push_row(leaving, decoding, (last << ID_BITS) | item)
        decoding += 1
    replica.joining = 0
    while decoding > 0 and leaving[0] >> ID_BITS == iteration:
        item = leaving[0] & ((1 << ID_BITS) - 1)
        pop_first(leaving, decoding)
        decoding -= 1
        request = w.requests[item]
        kv -= request.prompt_tokens + request.output_tokens
        replica.reserved -= request.prompt_tokens + request.max_output_tokens
        finish(w, item, now)
        if w.run[0].peers:
            tell_peers(w, number, now)
    replica.decoding, replica.iteration, replica.kv = decoding, iteration, kv


@inlined
def plan(w: World, number: int, now: float) -> None:
    """Take who may join, and say when the next stretch ends."""
    replica = w.replicas[number]
    decoding, kv = replica.decoding, replica.kv
    joining = take(w, number, decoding, now)
    if joining > 0:
        replica.busy, replica.open = True, False
        replica.batches += 1
        log(w, number, now, decoding + joining, kv)
        prompts, squares = 0, 0
        for place in range(joining):
            tokens = int(w.requests[w.joining[number, place]].prompt_tokens)
            prompts += tokens
            squares += tokens * tokens
        replica.start_s, replica.steps = now, 1
        requests = decoding + joining
        lasting = iteration_s(
            w.costs, replica.cost, prompts + decoding, kv, squares, requests, joining
        )
        wake_at(w, number, now + lasting)
    elif decoding > 0:
        log(w, number, now, decoding, kv)
        steps = (w.leaving[number, 0] >> ID_BITS) - replica.iteration
        replica.start_s, replica.steps = now, steps
        wake_at(w, number, now + stretch_s(w.costs, replica.cost, steps, decoding, kv))
        replica.open = decoding < w.run[0].batch_size and replica.stalled < 0
    else:
        rest(w, number, now)


@inlined
def cut(w: World, number: int, time_s: float) -> None:
    """End the stretch at its first boundary from `time_s` on."""
    replica = w.replicas[number]
    start, decoding, kv = replica.start_s, replica.decoding, replica.kv
    costs, kind = w.costs, replica.cost
    steps = stretch_past(costs, kind, time_s - start, decoding, kv)
    lasting = stretch_s(costs, kind, steps, decoding, kv)
    if start + lasting < time_s:  # by rounding
        steps += 1
        lasting = stretch_s(costs, kind, steps, decoding, kv)
    replica.steps, replica.open = steps, False
    wake_at(w, number, start + lasting)


@inlined
def notify(w: World, number: int, now: float) -> None:
    """Tell a replica that a request may have come within its reach.

    An empty one wakes; a stretch with room is cut.
    """
    replica = w.replicas[number]
    if not replica.busy:
        wake_at(w, number, now)
    elif replica.open and now < w.wake_s[number]:
        cut(w, number, now)


@inlined
def tell_peers(w: World, number: int, now: float) -> None:
    """Tell the other replicas that a tenant has a place again."""
    if w.run[0].waiting > 0:
        for peer in range(len(w.replicas)):
            if peer != number:
                notify(w, peer, now)
