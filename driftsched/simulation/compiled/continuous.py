"""Continuous batching with jump-ahead; see `driftsched.simulation.continuous`."""

from __future__ import annotations

from driftsched.simulation.compiled.blocks import grow, lasting, needed, new_in, seat, unseat
from driftsched.simulation.compiled.cost import cost_of, decode_seconds, iteration_seconds
from driftsched.simulation.compiled.gateway import finish
from driftsched.simulation.compiled.jit import once
from driftsched.simulation.compiled.order import play, pop_row, push_row
from driftsched.simulation.compiled.patience import drop
from driftsched.simulation.compiled.prefill import cached_of, given_of, prefill
from driftsched.simulation.compiled.replicas import log, rest, tell_peers
from driftsched.simulation.compiled.state import ID_BITS, ID_MASK, KernelState
from driftsched.simulation.compiled.tenants import count_stretch, count_tokens


@once
def settle(w: KernelState, number: int, now: float) -> None:
    """Count the stretch that has ended: prompts are done, requests leave."""
    replica, decoding, paged = w.replicas[number], w.decoding[number], w.run[0].paged
    steps = replica.steps
    iteration = replica.iteration + steps
    replica.iteration = iteration
    replica.kv += steps * replica.decoding
    count_stretch(w, number)
    if paged and steps > 1:
        replica.free -= new_in(w, number, iteration - steps + 2, steps - 1)
    for place in range(replica.chunks):
        item, end = w.pieces[number, place].item, w.pieces[number, place].end
        request, given = w.requests[item], given_of(w, item)
        if end < request.prompt_tokens + given:
            replica.partial, replica.partial_end = item, end
            continue
        if given == 0 and request.end == 0:
            request.first_token_s = now
        if w.run[0].counts_tokens:
            count_tokens(w, replica.queue, item, 1)
        replica.kv += end + 1
        last = iteration + request.output_tokens - given - 1
        push_row(decoding, replica.decoding, (last << ID_BITS) | item)
        replica.decoding += 1
        if paged:
            seat(w, number, item, end - iteration)
    replica.chunks = 0
    replica.grown = replica.kv + (replica.partial_end if replica.partial >= 0 else 0)
    if replica.gone > 0 or (replica.decoding > 0 and decoding[0] >> ID_BITS == iteration):
        replica.crowded = False
    if replica.gone > 0:
        drop(w, number, now)
    while replica.decoding > 0 and decoding[0] >> ID_BITS == iteration:
        item = pop_row(decoding, replica.decoding) & ID_MASK
        replica.decoding -= 1
        _leave(w, number, item, now)


@once
def _leave(w: KernelState, number: int, item: int, now: float) -> None:
    """Let a request that has given its last token go."""
    replica, request = w.replicas[number], w.requests[item]
    held = request.prompt_tokens + request.output_tokens
    replica.kv -= held
    if w.run[0].paged:
        unseat(w, number, item)
        replica.free += needed(w, held - 1)
    else:
        replica.reserved -= request.prompt_tokens + request.max_output_tokens
    finish(w, item, now)
    if w.run[0].peers:
        tell_peers(w, number, now)


@once
def plan(w: KernelState, number: int, now: float) -> None:
    """Give blocks, let requests join, and say when the next stretch ends."""
    replica, run = w.replicas[number], w.run[0]
    preempted = run.paged and replica.busy and grow(w, number, now)
    if preempted:
        replica.crowded = run.by_rank and not run.preempts
    prefill(w, number, now, not (preempted or replica.crowded))
    decoding, kv = replica.decoding, replica.kv
    if replica.chunks > 0 or preempted:
        replica.busy, replica.open = True, False
        held = kv + replica.partial_end if replica.partial >= 0 else kv
        log(w, number, now, decoding + replica.chunks, held)
        replica.start_s, replica.steps, replica.partial = now, 1, -1
        play(w.wake, number, now + _chunks_s(w, number))
    elif decoding > 0:
        log(w, number, now, decoding, kv)
        steps = (w.decoding[number, 0] >> ID_BITS) - replica.iteration
        if run.paged and steps > 1:
            steps = 1 + lasting(w, number, replica.iteration + 2, steps - 1)
        replica.start_s, replica.steps = now, steps
        replica.open = replica.blocked == 0 and (run.preempts or decoding < run.batch_size)
        cost = cost_of(w.costs, replica.cost)
        play(w.wake, number, now + decode_seconds(cost, steps, decoding, kv))
    else:
        rest(w, number, now)


@once
def _chunks_s(w: KernelState, number: int) -> float:
    """Seconds of an iteration with pieces of prompts in it."""
    replica = w.replicas[number]
    decoding, chunks = replica.decoding, replica.chunks
    tokens, squares, first = decoding, 0, 0
    for place in range(chunks):
        piece = w.pieces[number, place]
        start, end = piece.start, piece.end
        tokens += end - start
        squares += end * end - start * start
        first += start == cached_of(w, piece.item)
    requests = decoding + chunks
    cost = cost_of(w.costs, replica.cost)
    return float(iteration_seconds(cost, tokens, replica.kv, squares, requests, first))
