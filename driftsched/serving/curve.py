"""Piecewise-linear functions of a number of tokens: what was measured of an engine."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Curve", "curve_at", "curve_total"]


def row_below(curve: Curve, tokens: float) -> int:
    """Number of the last row at or below `tokens`."""
    low, high = 0, curve.rows
    while low < high:
        middle = (low + high) // 2
        if tokens < curve.knots[middle]:
            high = middle
        else:
            low = middle + 1
    return low - 1


def curve_at(curve: Curve, tokens: float) -> float:
    """Value of a curve at `tokens`."""
    row = row_below(curve, tokens)
    return curve.values[row] + curve.slopes[row] * (tokens - curve.knots[row])


def curve_total(curve: Curve, first: int, step: int, count: int) -> float:
    """Sum of a curve's values at first, first + step, …, `count` of them; a piece at a time.

    Parameters
    ----------
    first, step : int
        Tokens of the first value, and how many more each further one has, both 0 or more.
    count : int
        How many values.
    """
    total, done = 0.0, 0
    row = row_below(curve, first)
    while done < count:
        start = first + done * step
        here = count - done
        if step > 0 and row + 1 < curve.rows:
            # As many as lie before the next row.
            here = min(here, -((start - curve.knots[row + 1]) // step))
        if here > 0:
            offset = here * (start - curve.knots[row]) + step * (here * (here - 1) // 2)
            total += here * curve.values[row] + curve.slopes[row] * offset
            done += here
        row += 1
    return total


class Curve:
    """A non-decreasing piecewise-linear function; without rows it stands for "not measured".

    Below its first row it is what `floor` says, above its last it goes on as between the last two;
    one row alone is a constant above, or, from the origin, a proportion.

    Parameters
    ----------
    tokens, seconds : sequence
        The rows; tokens ascend, seconds do not fall.
    floor : bool
        Below the first row: True keeps its value (an iteration over one token still reads all
        weights), False goes straight to zero at zero (no cache, nothing to read).
    """

    __slots__ = ("knots", "rows", "slopes", "values")

    knots: list[int]
    values: list[float]
    slopes: list[float]

    def __init__(
        self, tokens: Sequence[int] = (), seconds: Sequence[float] = (), *, floor: bool = False
    ) -> None:
        knots, values = list(tokens), list(seconds)
        if knots and knots[0] > 0:
            knots, values = [0, *knots], [values[0] if floor else 0.0, *values]
        self.rows = len(knots)
        self.knots = knots
        self.values = values
        steps = zip(knots, knots[1:], values, values[1:], strict=False)
        self.slopes = [(high - low) / (right - left) for left, right, low, high in steps]
        self.slopes += self.slopes[-1:] or [0.0] * bool(knots)
