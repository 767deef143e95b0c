"""Tenants in turn: a queue a tenant, and who of them has one; see `Weighted`.

Empty tenants are passed over a word of bits at a time, so that a choice among a thousand of them
costs no more than one among a few.
"""

from __future__ import annotations

import numpy as np

from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.world import TENANT_BITS, World

__all__ = ["append", "forget", "lowest_bit", "next_in_turn"]

DE_BRUIJN = 0x077CB531
BIT_OF = np.argsort([(DE_BRUIJN << bit & 0xFFFFFFFF) >> 27 for bit in range(1 << TENANT_BITS)])


@inlined
def append(w: World, line: int, item: int) -> None:
    """Add a request to its tenant's queue."""
    tenant = w.requests[item].tenant
    queue = w.queues[line, tenant]
    if queue.size == 0:
        queue.head = item
        flip(w, line, tenant)
    else:
        w.behind[queue.tail] = item
    queue.tail = item
    queue.size += 1


@inlined
def next_in_turn(w: World, line: int) -> int:
    """Take the next request in turn; there must be one."""
    state = w.lines[line]
    if state.left == 0 or w.queues[line, state.tenant].size == 0:
        state.tenant = next_occupied(w, line, state.tenant + 1)
        state.left = w.tenants[state.tenant].turns
    state.left -= 1
    queue = w.queues[line, state.tenant]
    item = queue.head
    while w.requests[item].end:
        item = w.behind[item]
    queue.head = w.behind[item]
    queue.size -= 1
    if queue.size == 0:
        flip(w, line, state.tenant)
    return int(item)


@inlined
def forget(w: World, line: int, item: int) -> None:
    """Count a request no more that has left its tenant's queue; it is passed over later."""
    tenant = w.requests[item].tenant
    queue = w.queues[line, tenant]
    queue.size -= 1
    w.lines[line].size -= 1
    if queue.size == 0:
        flip(w, line, tenant)


@inlined
def flip(w: World, line: int, tenant: int) -> None:
    """Note that a tenant's queue has become empty, or is not any more."""
    w.occupied[line, tenant >> TENANT_BITS] ^= 1 << (tenant & ((1 << TENANT_BITS) - 1))


@inlined
def next_occupied(w: World, line: int, tenant: int) -> int:
    """First tenant from this one on, in a circle, whose queue is not empty; there must be one."""
    words = w.occupied[line]
    place = tenant >> TENANT_BITS
    if place == len(words):
        place, tenant = 0, 0
    passed = tenant & ((1 << TENANT_BITS) - 1)
    word = words[place] >> passed << passed
    while word == 0:
        place = place + 1 if place + 1 < len(words) else 0
        word = words[place]
    return (place << TENANT_BITS) + lowest_bit(word)


@inlined
def lowest_bit(word: int) -> int:
    """Number of the lowest bit set in a word of 2 ** TENANT_BITS bits that is not 0."""
    # The product's upper five bits differ for every single bit (de Bruijn).
    return int(BIT_OF[((word & -word) * DE_BRUIJN & 0xFFFFFFFF) >> 27])
