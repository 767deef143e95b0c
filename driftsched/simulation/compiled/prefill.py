"""Who joins a continuous batch, and with how much of the prompt."""

from __future__ import annotations

from math import inf, isnan

from driftsched.simulation.compiled.blocks import (
    count_given,
    needed,
    partial_end,
    peak_fits,
    unseat,
)
from driftsched.simulation.compiled.gateway import choose, key_of, requeue
from driftsched.simulation.compiled.jit import apart, inlined, once
from driftsched.simulation.compiled.mechanisms import piece_end, whole_length_fits
from driftsched.simulation.compiled.order import remove_row
from driftsched.simulation.compiled.replicas import tell_peers
from driftsched.simulation.compiled.state import (
    BLOCKED,
    ID_MASK,
    QUEUED,
    RUNNING,
    KernelState,
)


@once
def prefill(w: KernelState, number: int, now: float, joining: bool) -> None:
    """The pieces of the next iteration: the prompt under way, then those of who may join."""
    replica, run = w.replicas[number], w.run[0]
    left = run.most_tokens - replica.decoding
    if replica.partial >= 0:
        end = partial_end(w, number)
        _add(w, number, replica.partial, replica.partial_end, end)
        left -= end - replica.partial_end
    before = replica.chunks
    while joining and left > 0:
        full = replica.decoding + replica.chunks >= run.batch_size
        if full and not run.preempts:
            break
        item = next_of(w, number, now)
        if item < 0:
            break
        request = w.requests[item]
        start = cached_of(w, item)
        whole = request.prompt_tokens + given_of(w, item)
        end = piece_end(start, whole, left, run.chunked)
        room = end > start and not full and hold(w, number, item, end)
        while run.preempts and end > start and not room and _make_place(w, number, item, now):
            left += 1
            end = piece_end(start, whole, left, run.chunked)
            room = hold(w, number, item, end)
        if not room:
            put_back(w, number, item, now)
            break
        request.place = RUNNING
        request.replica = number
        if isnan(request.dispatch_s):
            request.dispatch_s = now
            request.batch_id = replica.batches
        left -= end - start
        _add(w, number, item, start, end)
    if replica.chunks > before:
        replica.batches += 1


@apart
def _make_place(w: KernelState, number: int, item: int, now: float) -> bool:
    """Interrupt the request that scores highest of those that decode, if `item` scores lower."""
    replica, own = w.replicas[number], key_of(w, item, now)
    worst, highest = -1, -inf
    count_given(w, number)
    for place in range(replica.decoding):
        one = w.decoding[number, place] & ID_MASK
        key = key_of(w, one, now)
        if worst < 0 or key > highest or (key == highest and one > worst):
            worst, highest = one, key
    if worst < 0 or own >= highest:
        return False
    request = w.requests[worst]
    tokens = request.prompt_tokens + w.seats[worst].given
    remove_row(w.decoding[number], replica.decoding, worst)
    replica.decoding -= 1
    replica.kv -= tokens
    if w.run[0].paged:
        unseat(w, number, worst)
        replica.free += needed(w, tokens)
    else:
        replica.reserved -= request.prompt_tokens + request.max_output_tokens
    request.preemptions += 1
    put_back(w, number, worst, now)
    tell_peers(w, number, now)
    return True


@inlined
def next_of(w: KernelState, number: int, now: float) -> int:
    """Who comes next: one that is blocked, else the queue's choice; -1 where there is none."""
    replica = w.replicas[number]
    if replica.blocked > 0:
        replica.blocked -= 1
        item = int(w.blocked[number, replica.blocked])
        w.requests[item].place = QUEUED
        return item
    if w.queues[replica.queue].waiting == 0:
        return -1
    return choose(w, replica.queue, now)


@inlined
def put_back(w: KernelState, number: int, item: int, now: float) -> None:
    """Let a request wait that was chosen or interrupted.

    It waits before all others, or in the queue where the policy decides who runs.
    """
    replica = w.replicas[number]
    if w.run[0].preempts:
        requeue(w, replica.queue, item, now)
        return
    w.blocked[number, replica.blocked] = item
    replica.blocked += 1
    w.requests[item].place = BLOCKED


@inlined
def _add(w: KernelState, number: int, item: int, start: int, end: int) -> None:
    """Compute the tokens `start` to `end` (exclusive) of a prompt in the next iteration."""
    replica = w.replicas[number]
    piece = w.pieces[number, replica.chunks]
    piece.item = item
    piece.start = start
    piece.end = end
    replica.chunks += 1


@inlined
def hold(w: KernelState, number: int, item: int, end: int) -> bool:
    """Take KV cache for a request that joins with a piece up to `end`; False if none is left."""
    replica, request = w.replicas[number], w.requests[item]
    if w.run[0].paged:
        blocks = needed(w, end)
        if blocks > replica.free or (w.run[0].looks_ahead and not peak_fits(w, number, item)):
            return False
        replica.free -= blocks
        return True
    prompt, most = request.prompt_tokens, request.max_output_tokens
    if not whole_length_fits(replica.reserved, replica.capacity, prompt, most):
        return False
    replica.reserved += prompt + most
    return True


@inlined
def cached_of(w: KernelState, item: int) -> int:
    """Tokens of a prompt found in the prefix cache."""
    return int(w.cached[item].tokens) if w.run[0].prefixes else 0


@inlined
def given_of(w: KernelState, item: int) -> int:
    """Output tokens that a request had given when it was last preempted."""
    return int(w.seats[item].given) if w.run[0].resumes else 0
