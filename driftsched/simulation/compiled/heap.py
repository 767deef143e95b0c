"""A priority queue in flat arrays: least key first, then least id.

Each node has four children, whose keys share a line of the processor's cache: with a million
waiting requests a step is ten lines deep.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import inlined

__all__ = ["pop", "push"]

Keys = NDArray[Any]
Ids = NDArray[Any]


@inlined
def push(keys: Keys, ids: Ids, first: int, size: int, key: float, item: int) -> None:
    """Add `item` to the heap of `size` entries that begins at `first`."""
    place = size
    while place > 0:
        parent = (place - 1) >> 2
        above = keys[first + parent]
        if above < key or (above == key and ids[first + parent] < item):
            break
        keys[first + place] = above
        ids[first + place] = ids[first + parent]
        place = parent
    keys[first + place] = key
    ids[first + place] = item


@inlined
def pop(keys: Keys, ids: Ids, first: int, size: int) -> int:
    """Remove the least entry of a heap of `size` > 0 entries and return its id."""
    least = ids[first]
    last = size - 1
    key, item = keys[first + last], ids[first + last]
    place = 0
    while True:
        child = (place << 2) + 1
        if child >= last:
            break
        best, best_key, best_id = child, keys[first + child], ids[first + child]
        for other in range(child + 1, min(child + 4, last)):
            other_key = keys[first + other]
            if other_key < best_key or (other_key == best_key and ids[first + other] < best_id):
                best, best_key, best_id = other, other_key, ids[first + other]
        if key < best_key or (key == best_key and item < best_id):
            break
        keys[first + place] = best_key
        ids[first + place] = best_id
        place = best
    keys[first + place] = key
    ids[first + place] = item
    return int(least)
