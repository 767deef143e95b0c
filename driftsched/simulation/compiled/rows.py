"""A binary heap of whole numbers in a row of an array."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import apart, inlined

__all__ = ["pop_first", "push_row", "remove_row"]


@inlined
def push_row(row: NDArray[Any], size: int, value: int) -> None:
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
def pop_first(row: NDArray[Any], size: int) -> None:
    """Remove the least of `size` > 0 numbers."""
    last = size - 1
    value = row[last]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= last:
            break
        if child + 1 < last and row[child + 1] < row[child]:
            child += 1
        if value < row[child]:
            break
        row[place] = row[child]
        place = child
    row[place] = value


@apart
def remove_row(row: NDArray[Any], size: int, item: int, mask: int) -> int:
    """Remove the number whose lower bits, those of `mask`, are `item`, and return it."""
    place = 0
    while row[place] & mask != item:
        place += 1
    removed = row[place]
    last = size - 1
    value = row[last]
    while place > 0 and value < row[(place - 1) >> 1]:
        row[place] = row[(place - 1) >> 1]
        place = (place - 1) >> 1
    while True:
        child = 2 * place + 1
        if child >= last:
            break
        if child + 1 < last and row[child + 1] < row[child]:
            child += 1
        if value < row[child]:
            break
        row[place] = row[child]
        place = child
    row[place] = value
    return int(removed)
