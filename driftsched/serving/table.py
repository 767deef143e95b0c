"""Measured tables as a cost: piecewise-linear, with a closed form for a stretch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from driftsched.serving.iteration import CostArrays, IterationCost

__all__ = ["Curve", "TableCost"]


class Curve:
    """A non-decreasing piecewise-linear function of a number of tokens.

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

    __slots__ = ("knots", "slopes", "values")

    def __init__(self, tokens: Sequence[int], seconds: Sequence[float], *, floor: bool) -> None:
        knots, values = list(tokens), list(seconds)
        if knots[0] > 0:
            knots, values = [0, *knots], [values[0] if floor else 0.0, *values]
        self.knots = knots
        self.values = values
        steps = zip(knots, knots[1:], values, values[1:], strict=False)
        self.slopes = [(high - low) / (right - left) for left, right, low, high in steps]
        self.slopes.append(self.slopes[-1] if self.slopes else 0.0)

    def at(self, tokens: float) -> float:
        """Value at `tokens`."""
        place = bisect_right(self.knots, tokens) - 1
        return self.values[place] + self.slopes[place] * (tokens - self.knots[place])

    def total(self, first: int, step: int, count: int) -> float:
        """Sum of the values at first, first + step, …, `count` of them; a piece at a time.

        Parameters
        ----------
        first, step : int
            Tokens of the first value, and how many more each further one has, both 0 or more.
        count : int
            How many values.
        """
        total, done = 0.0, 0
        place = bisect_right(self.knots, first) - 1
        while done < count:
            start = first + done * step
            if step and place + 1 < len(self.knots):
                # As many as lie before the next row.
                here = min(count - done, -((start - self.knots[place + 1]) // step))
            else:
                here = count - done
            if here > 0:
                offset = here * (start - self.knots[place]) + step * (here * (here - 1) // 2)
                total += here * self.values[place] + self.slopes[place] * offset
                done += here
            place += 1
        return total


class TableCost(IterationCost):
    """Seconds interpolated in what was measured: t = overhead + tokens(n) + kv(K) + attention · S.

    Parameters
    ----------
    overhead_s : float
        Seconds an iteration beyond what was measured.
    tokens : Curve
        Seconds of an iteration by the tokens in it, KV cache aside.
    cache : Curve
        Seconds by the tokens of KV cache read.
    attention_s : float
        Seconds a squared prompt token.
    """

    __slots__ = ("cache", "tokens")

    def __init__(self, overhead_s: float, tokens: Curve, cache: Curve, attention_s: float) -> None:
        super().__init__(overhead_s, 0.0, 0.0, 0.0, attention_s)
        self.tokens = tokens
        self.cache = cache

    def linear(self, tokens: int) -> float:
        return self.tokens.at(tokens)

    def kv(self, tokens: int) -> float:
        return self.cache.at(tokens)

    def decode_seconds(self, iterations: int, running: int, kv_tokens: int) -> float:
        read = self.cache.total(kv_tokens, running, iterations)
        return iterations * self._decode_s[running] + read

    def iterations_past(self, seconds: float, running: int, kv_tokens: int) -> tuple[int, float]:
        """As for every cost; found by bisection, since a stretch never falls with its length."""
        high = 1
        while self.decode_seconds(high, running, kv_tokens) < seconds:
            high *= 2
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            if self.decode_seconds(middle, running, kv_tokens) < seconds:
                low = middle
            else:
                high = middle
        return high, self.decode_seconds(high, running, kv_tokens)

    def arrays(self) -> CostArrays:
        tables = (
            np.array(column, dtype=np.float64)
            for curve in (self.tokens, self.cache)
            for column in (curve.knots, curve.values)
        )
        return CostArrays(super().arrays().coefficients, *tables)
