"""A binary heap of whole numbers in a row of an array."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.state import ID_MASK


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
def sink_row(row: NDArray[Any], size: int, place: int, value: int) -> None:
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
def pop_row(row: NDArray[Any], size: int) -> int:
    """Remove the least of `size` > 0 numbers and return it."""
    least = row[0]
    sink_row(row, size - 1, 0, row[size - 1])
    return int(least)


@apart
def remove_row(row: NDArray[Any], size: int, item: int) -> int:
    """Remove the number whose id is `item`, and return it."""
    place = 0
    while row[place] & ID_MASK != item:
        place += 1
    removed, last = row[place], row[size - 1]
    while place > 0 and last < row[(place - 1) >> 1]:
        row[place] = row[(place - 1) >> 1]
        place = (place - 1) >> 1
    sink_row(row, size - 1, place, last)
    return int(removed)
