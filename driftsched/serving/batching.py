"""Rules of batching: blocks of the paged KV cache, pieces of prompts, when a gang starts.

Written once, for Python and for the compiled engine. All decoding requests grow by a token an
iteration, so each needs a new block every `size` iterations: in iteration j where j modulo `size`
is its *slot*. Counting requests by slot gives the blocks that any number of iterations takes
without looking at the requests. A request's *base* is what it holds, less the iteration in which it
was: in iteration j it needs base + j tokens.

Looking ahead, from 1, iteration n is the one in which a request gives its n-th token from now on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "block_slot",
    "blocks_for",
    "gang_starts",
    "iterations_lasting",
    "most_ahead",
    "new_block",
    "new_blocks",
    "piece_end",
    "tokens_to_come",
    "whole_length_fits",
]


def blocks_for(tokens: int, size: int) -> int:
    """Blocks of `size` tokens that hold `tokens`, the last one perhaps in part.

    >>> blocks_for(0, 16), blocks_for(16, 16), blocks_for(17, 16)
    (0, 1, 2)
    """
    return -(-tokens // size)


def block_slot(base: int, size: int) -> int:
    """Slot of a request: the iterations, modulo `size`, in which it needs a new block."""
    return (1 - base) % size


def new_block(base: int, iteration: int, size: int) -> int:
    """New blocks that one decoding request needs in an iteration: 0 or 1."""
    return 1 if (base + iteration - 1) % size == 0 else 0


def new_blocks(
    slots: Sequence[int] | Any, size: int, decoding: int, first: int, iterations: int
) -> int:
    """New blocks that all `decoding` requests need in `iterations` from `first` on.

    `slots[s]` is how many of them have slot s.
    """
    total = iterations // size * decoding
    for step in range(iterations % size):
        total += slots[(first + step) % size]
    return int(total)


def iterations_lasting(
    slots: Sequence[int] | Any, size: int, decoding: int, free: int, first: int, most: int
) -> int:
    """How many iterations from `first` on, `most` at most, `free` blocks allow."""
    if decoding * blocks_for(most, size) <= free:
        return most
    if new_blocks(slots, size, decoding, first, most) <= free:
        return most
    iterations, left = free // decoding * size, free % decoding
    while left >= slots[(first + iterations) % size]:
        left -= slots[(first + iterations) % size]
        iterations += 1
    return int(iterations)


def tokens_to_come(estimate: int, given: int, most: int) -> int:
    """Tokens that a request is taken to give yet, at least one, and at most `most` in all.

    One that has outlived its estimate is taken to go on for a tenth of what it has given, as in
    LightLLM.

    >>> tokens_to_come(300, 100, 512), tokens_to_come(300, 400, 512), tokens_to_come(300, 510, 512)
    (200, 40, 2)
    """
    return max(min(max(estimate, given + given // 10), most) - given, 1)


def most_ahead(held: int, requests: int, to_come: int, size: int) -> int:
    """Tokens for which there must be room when the first of some requests leaves.

    They have `held` tokens now, and all of them as many as `to_come` yet, or more; by then each has
    given `to_come` - 1 into the cache, and of its last block nobody else can use the rest. In order
    of what is to come, the longest first, the highest of these is the peak (Past-Future, LightLLM).

    >>> most_ahead(30, 2, 10, 1), most_ahead(30, 2, 10, 16)
    (48, 78)
    """
    return held + requests * (to_come - 1 + size - 1)


def piece_end(start: int, end: int, tokens_left: int, chunked: bool) -> int:
    """How far a prompt computed up to `start` gets in an iteration; `start` where it must wait.

    `end` is its whole length, `tokens_left` what the iteration has room for; only with chunked
    prefill is it computed in pieces.

    >>> piece_end(0, 500, 512, False), piece_end(0, 500, 200, True), piece_end(0, 500, 200, False)
    (500, 200, 0)
    """
    if end - start <= tokens_left:
        return end
    return start + tokens_left if chunked else start


def whole_length_fits(reserved: int, capacity: int, prompt: int, most: int) -> bool:
    """Whether the cache has room for a request's longest answer, where that is reserved."""
    return reserved + prompt + most <= capacity


def gang_starts(size: int, most: int, blocked: bool, now: float, deadline_s: float) -> bool:
    """Whether a gang of `size` begins: it is full, its next member does not fit, or time is up."""
    return size >= most or blocked or now >= deadline_s
