"""Those who run and were given up: they leave at an iteration boundary."""

from __future__ import annotations

from driftsched.simulation.compiled.blocks import needed, unseat
from driftsched.simulation.compiled.gateway import abandon
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.replicas import tell_peers
from driftsched.simulation.compiled.rows import pop_first, remove_row
from driftsched.simulation.compiled.state import GANG, ID_BITS, KernelState

__all__ = ["drop", "take_member_out"]


@apart
def drop(w: KernelState, number: int, now: float) -> None:
    """End those who ran and were given up, in order of their ids."""
    replica = w.replicas[number]
    while replica.gone > 0:
        item = w.gone[number, 0]
        pop_first(w.gone[number], replica.gone)
        replica.gone -= 1
        if w.run[0].mode == GANG:
            take_member_out(w, number, item)
        else:
            take_out(w, number, item)
        abandon(w, item, now)
    tell_peers(w, number, now)


@inlined
def take_out(w: KernelState, number: int, item: int) -> None:
    """Free the place and the KV cache of one who runs."""
    replica, request, paged = w.replicas[number], w.requests[item], w.run[0].paged
    if item == replica.partial:
        replica.partial = -1
        if paged:
            replica.free += needed(w, replica.partial_end)
    else:
        entry = remove_row(w.decoding[number], replica.decoding, item, (1 << ID_BITS) - 1)
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
def take_member_out(w: KernelState, number: int, item: int) -> None:
    """Free the place and the KV cache of a member of the gang, which may still be forming."""
    replica, request, gang = w.replicas[number], w.requests[item], w.chunk[number]
    replica.chunks -= 1
    place = 0
    while gang[place] != item:
        place += 1
    for other in range(place, replica.chunks):
        gang[other] = gang[other + 1]
    replica.reserved -= request.prompt_tokens + request.max_output_tokens
    if replica.busy and request.output_tokens >= replica.iteration:
        remove_row(w.decoding[number], replica.decoding, item, (1 << ID_BITS) - 1)
        replica.decoding -= 1
        replica.kv -= request.prompt_tokens + replica.iteration
