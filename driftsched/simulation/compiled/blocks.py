"""The paged KV cache and preemption; see `driftsched.simulation.paging`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.gateway import key_of, requeue
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.mechanisms import (
    block_slot,
    blocks_for,
    iterations_lasting,
    most_ahead,
    new_block,
    new_blocks,
    piece_end,
    revision_of,
    tokens_to_come,
)
from driftsched.simulation.compiled.order import pop, push, remove_row
from driftsched.simulation.compiled.replicas import tell_peers
from driftsched.simulation.compiled.state import BLOCKED, ID_BITS, ID_MASK, KernelState


@inlined
def needed(w: KernelState, tokens: int) -> int:
    """Blocks that hold `tokens` tokens."""
    return int(blocks_for(tokens, w.run[0].block_tokens))


@apart
def seat(w: KernelState, number: int, item: int, base: int) -> None:
    """Let a request decode whose blocks have been taken; it is the last admitted."""
    replica = w.replicas[number]
    seat = w.seats[item]
    seat.base = base
    w.slots[number, block_slot(base, w.run[0].block_tokens)] += 1
    seat.ahead, seat.after = replica.last_seat, -1
    if replica.last_seat >= 0:
        w.seats[replica.last_seat].after = item
    else:
        replica.first_seat = item
    replica.last_seat = item
    seat.taken = True


@apart
def unseat(w: KernelState, number: int, item: int) -> int:
    """Let a request decode no more; its own link to the next one stays. Returns its base."""
    replica = w.replicas[number]
    seat = w.seats[item]
    base = int(seat.base)
    w.slots[number, block_slot(base, w.run[0].block_tokens)] -= 1
    ahead, after = seat.ahead, seat.after
    if ahead >= 0:
        w.seats[ahead].after = after
    else:
        replica.first_seat = after
    if after >= 0:
        w.seats[after].ahead = ahead
    else:
        replica.last_seat = ahead
    seat.taken = False
    return base


@apart
def new_in(w: KernelState, number: int, first: int, iterations: int) -> int:
    """New blocks that the decoding requests need in some iterations from `first` on."""
    size, decoding = w.run[0].block_tokens, w.replicas[number].decoding
    return int(new_blocks(w.slots[number], size, decoding, first, iterations))


@apart
def lasting(w: KernelState, number: int, first: int, most: int) -> int:
    """How many iterations from `first` on, `most` at most, the free blocks allow."""
    replica, size = w.replicas[number], w.run[0].block_tokens
    slots, decoding, free = w.slots[number], replica.decoding, replica.free
    return int(iterations_lasting(slots, size, decoding, free, first, most))


@apart
def partial_end(w: KernelState, number: int) -> int:
    """How far the prompt under way gets in the next iteration."""
    replica = w.replicas[number]
    left = w.run[0].most_tokens - replica.decoding
    given = int(w.seats[replica.partial].given) if w.run[0].resumes else 0
    end = w.requests[replica.partial].prompt_tokens + given
    return int(piece_end(replica.partial_end, end, left, True))


@apart
def grow(w: KernelState, number: int, now: float) -> bool:
    """Give the running requests the blocks of the next iteration; True if one was preempted."""
    replica = w.replicas[number]
    new = int(w.slots[number, (replica.iteration + 1) % w.run[0].block_tokens])
    if replica.partial >= 0:
        new += needed(w, partial_end(w, number)) - needed(w, replica.partial_end)
    if new <= replica.free:
        replica.free -= new
        return False
    _make_room(w, number, now)
    return True


@apart
def _make_room(w: KernelState, number: int, now: float) -> None:
    """Give blocks in order of admission, preempting victims until there are enough."""
    replica, size = w.replicas[number], w.run[0].block_tokens
    iteration = replica.iteration + 1
    item = replica.first_seat
    while item >= 0:
        seat = w.seats[item]
        while seat.taken:
            new = new_block(seat.base, iteration, size)
            if new <= replica.free:
                replica.free -= new
                seat.served = iteration
                break
            _preempt(w, number, now)
        item = seat.after
    while replica.partial >= 0:
        new = needed(w, partial_end(w, number)) - needed(w, replica.partial_end)
        if new <= replica.free:
            replica.free -= new
            break
        _preempt(w, number, now)


@apart
def _preempt(w: KernelState, number: int, now: float) -> None:
    """Take its blocks from the victim and send it back."""
    replica, iteration = w.replicas[number], w.replicas[number].iteration + 1
    victim = _victim_of(w, number, now)
    if victim == replica.partial:
        replica.free += needed(w, replica.partial_end)
        replica.partial = -1
    else:
        tokens = unseat(w, number, victim) + iteration
        replica.free += needed(w, tokens if w.seats[victim].served == iteration else tokens - 1)
        replica.kv -= tokens
        w.seats[victim].given = tokens - w.requests[victim].prompt_tokens
        remove_row(w.decoding[number], replica.decoding, victim)
        replica.decoding -= 1
    w.requests[victim].preemptions += 1
    if w.run[0].preempts:
        requeue(w, replica.queue, victim, now)
        tell_peers(w, number, now)
        return
    w.requests[victim].place = BLOCKED
    w.blocked[number, replica.blocked] = victim
    replica.blocked += 1


@apart
def count_given(w: KernelState, number: int) -> None:
    """Note how many tokens those who decode have given: a policy's score may look at it."""
    replica = w.replicas[number]
    for place in range(replica.decoding):
        entry = w.decoding[number, place]
        item, to_come = entry & ID_MASK, (entry >> ID_BITS) - replica.iteration
        w.seats[item].given = w.requests[item].output_tokens - to_come


@apart
def peak_fits(w: KernelState, number: int, item: int) -> bool:
    """Whether there are blocks for all that those who run, and `item`, are to give yet."""
    replica, size = w.replicas[number], w.run[0].block_tokens
    running = replica.decoding + replica.chunks + 1
    count_given(w, number)
    for place in range(running):
        one = _running(w, number, place, item)
        given, most = w.seats[one].given, w.requests[one].max_output_tokens
        to_come = tokens_to_come(w.estimate[one] + revision_of(w, one), given, most)
        push(w.ahead, place, -to_come, w.requests[one].prompt_tokens + given)
    room, held = replica.capacity // size * size, 0
    for place in range(running):
        to_come = int(-w.ahead[0].key)
        held += pop(w.ahead, running - place)
        if most_ahead(held, place + 1, to_come, size) > room:
            return False
    return True


@inlined
def _running(w: KernelState, number: int, place: int, item: int) -> int:
    """Who decodes, then whose prompt is in the next iteration, last `item`."""
    decoding = w.replicas[number].decoding
    if place < decoding:
        return int(w.decoding[number, place] & ID_MASK)
    chunk = place - decoding
    return int(w.pieces[number, chunk].item) if chunk < w.replicas[number].chunks else item


@apart
def _victim_of(w: KernelState, number: int, now: float) -> int:
    """The last admitted; or the last by tier, or policy if that preempts, and arrival."""
    replica, run = w.replicas[number], w.run[0]
    if not run.by_rank:
        return int(replica.partial if replica.partial >= 0 else replica.last_seat)
    count_given(w, number)
    worst, highest = -1, -inf
    item = replica.partial if replica.partial >= 0 else replica.first_seat
    while item >= 0:
        key = float(w.tenants[w.requests[item].tenant].rank)
        if run.preempts:
            key = key_of(w, item, now)
        if worst < 0 or key > highest or (key == highest and item > worst):
            worst, highest = item, key
        item = w.seats[item].after if item != replica.partial else replica.first_seat
    return int(worst)
