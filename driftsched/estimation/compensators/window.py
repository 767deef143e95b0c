"""The newest observations, in order of age and in order of size, as rows of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields

__all__ = ["ROOM", "WINDOW", "remember"]

ROOM = 100
WINDOW: Fields = {"seen": 0.0, "recent": (0.0,) * ROOM, "ordered": (0.0,) * ROOM}


def remember(mine: Any, value: float, most: int) -> int:
    """Take a value in, and the oldest out where there are `most`; return how many there are.

    The first so many of ``mine.ordered`` ascend. O(most).
    """
    place, kept = int(mine.seen) % most, int(min(mine.seen, most))
    mine.seen += 1
    last = min(kept, most - 1)
    hole = last
    if kept == most:
        hole = 0
        while mine.ordered[hole] != mine.recent[place]:
            hole += 1
    while hole > 0 and mine.ordered[hole - 1] > value:
        mine.ordered[hole] = mine.ordered[hole - 1]
        hole -= 1
    while hole < last and mine.ordered[hole + 1] < value:
        mine.ordered[hole] = mine.ordered[hole + 1]
        hole += 1
    mine.ordered[hole] = value
    mine.recent[place] = value
    return last + 1
