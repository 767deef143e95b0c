"""Who is first: heaps of entries or of whole numbers, and a tournament, all in flat arrays."""

from __future__ import annotations

from math import inf

import numpy as np

from driftsched.core.arrays import Array
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.state import ID_MASK

NODE = np.dtype([("value", "f8"), ("winner", "i8")])
ENTRY = np.dtype([("key", "f8"), ("item", "i8")])
"""Least key first, then least item.

Each node of their heap has four children, whose entries share a line of the processor's cache: with
a million waiting requests a step is ten lines deep.
"""


@inlined
def sink(heap: Array, size: int, place: int, key: float, item: int) -> None:
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
def push(heap: Array, size: int, key: float, item: int) -> None:
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
def pop(heap: Array, size: int) -> int:
    """Remove the least entry of a heap of `size` > 0 entries and return its item."""
    least, last = heap[0].item, size - 1
    sink(heap, last, 0, heap[last].key, heap[last].item)
    return int(least)


@inlined
def push_row(row: Array, size: int, value: int) -> None:
    """Add `value` to the heap of `size` numbers at the start of the row."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if row[parent] < value:
            break
        row[place] = row[parent]
        place = parent
    row[place] = value


@inlined
def _sink_row(row: Array, size: int, place: int, value: int) -> None:
    """Put `value` at `place` of the heap or below it."""
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and row[child + 1] < row[child]:
            child += 1
        if value < row[child]:
            break
        row[place] = row[child]
        place = child
    row[place] = value


@inlined
def pop_row(row: Array, size: int) -> int:
    """Remove the least of `size` > 0 numbers and return it."""
    least = row[0]
    _sink_row(row, size - 1, 0, row[size - 1])
    return int(least)


@apart
def remove_row(row: Array, size: int, item: int) -> int:
    """Remove the number whose id is `item`, and return it."""
    place = 0
    while row[place] & ID_MASK != item:
        place += 1
    removed, last = row[place], row[size - 1]
    while place > 0 and last < row[(place - 1) >> 1]:
        row[place] = row[(place - 1) >> 1]
        place = (place - 1) >> 1
    _sink_row(row, size - 1, place, last)
    return int(removed)


def tournament(players: int, value: float = inf) -> Array:
    """All players with the same value.

    ``nodes[1]`` says who has the least value, ``nodes[i]`` who of those below ``2i`` and
    ``2i + 1``; the players themselves follow the inner nodes.
    """
    places = 1 << (players - 1).bit_length()
    nodes = np.zeros(2 * places, NODE)
    nodes["winner"][places:] = np.arange(places)
    nodes["value"] = inf
    nodes["value"][places : places + players] = value
    for place in range(places - 1, 0, -1):
        nodes[place] = nodes[2 * place]
    return nodes


@inlined
def value_of(nodes: Array, number: int) -> float:
    """A player's value."""
    return float(nodes[(len(nodes) >> 1) + number].value)


@inlined
def play(nodes: Array, number: int, value: float) -> None:
    """Give a player another value; of several with the least one the lowest number wins."""
    place = (len(nodes) >> 1) + number
    nodes[place].value = value
    while place > 1:
        place >>= 1
        left, right = nodes[2 * place], nodes[2 * place + 1]
        nodes[place] = right if right.value < left.value else left
