"""From a typical length to the mean one: by what typical ones have added up to, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields, State

__all__ = ["SUMS", "add_up", "scaled"]

SUMS: Fields = {"answered": 0.0, "expected": 0.0}


def add_up(mine: State, expected: float, ratio: float) -> None:
    """Add an answer, and what was typical of it, to sums that forget one in a hundred."""
    mine.answered = 0.99 * mine.answered + ratio
    mine.expected = 0.99 * mine.expected + expected


def scaled(mine: State, ratio: float) -> float:
    """The mean of lengths of which `ratio` is typical, begun as if ten had been as expected."""
    return ratio * (mine.answered + 10) / (mine.expected + 10)
