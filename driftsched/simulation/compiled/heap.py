"""A priority queue in a flat array: least key first, then least item.

Each node has four children, whose entries share a line of the processor's cache: with a million
waiting requests a step is ten lines deep.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import inlined

ENTRY = np.dtype([("key", "f8"), ("item", "i8")])

Heap = NDArray[Any]


@inlined
def sink(heap: Heap, size: int, place: int, key: float, item: int) -> None:
    """Put an entry at `place` or below it."""
    while True:
        child = (place << 2) + 1
        if child >= size:
            break
        best, best_key, best_item = child, heap[child].key, heap[child].item
        for other in range(child + 1, min(child + 4, size)):
            other_key = heap[other].key
            if other_key < best_key or (other_key == best_key and heap[other].item < best_item):
                best, best_key, best_item = other, other_key, heap[other].item
        if key < best_key or (key == best_key and item < best_item):
            break
        heap[place].key = best_key
        heap[place].item = best_item
        place = best
    heap[place].key = key
    heap[place].item = item


@inlined
def push(heap: Heap, size: int, key: float, item: int) -> None:
    """Add `item` to a heap of `size` entries."""
    place = size
    while place > 0:
        parent = (place - 1) >> 2
        above = heap[parent]
        if above.key < key or (above.key == key and above.item < item):
            break
        heap[place] = above
        place = parent
    heap[place].key = key
    heap[place].item = item


@inlined
def pop(heap: Heap, size: int) -> int:
    """Remove the least entry of a heap of `size` > 0 entries and return its item."""
    least, last = heap[0].item, size - 1
    sink(heap, last, 0, heap[last].key, heap[last].item)
    return int(least)
