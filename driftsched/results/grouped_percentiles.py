"""Mean, deviation and percentiles of many groups of a long column in three passes.

Sorting or partitioning a column once a group takes longer than simulating it. Here values are
counted by size first, a group each; only those that share the few bins in which the wanted order
statistics lie are sorted. The results are those of numpy's percentiles, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_BINS", "GroupFigures", "grouped_percentiles"]

Floats = NDArray[np.float64]
Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])

PER_OCTAVE_BITS = 8
OCTAVES = 48
WIDTH = OCTAVES << PER_OCTAVE_BITS
"""Bins: 256 a power of two, the topmost one at the greatest value; smaller ones share the first."""
MOST_BINS = 1 << 23


def _compile(function: F) -> F:
    make: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
    compiled: F = make(function)
    return compiled


class GroupFigures(NamedTuple):
    """Size, mean, population standard deviation (groups,) and percentiles (groups, levels).

    Percentiles are linear between order statistics (type 7 of Hyndman and Fan, 1996); of an empty
    group all are NaN.
    """

    sizes: NDArray[np.int64]
    mean: Floats
    std: Floats
    percentiles: Floats


def grouped_percentiles(
    values: Floats, groups: Array, count: int, levels: Floats
) -> GroupFigures | None:
    """Summarise the values of each group.

    Parameters
    ----------
    values : array, shape (n,)
        0 or more; NaN is left out.
    groups : int array, shape (n, k)
        The k groups, of `count`, that each value belongs to; -1 is none.
    levels : array
        Percentiles, 0 to 100.

    Returns
    -------
    GroupFigures, or None where a value is negative or infinite, or there are too many groups.
    """
    if count * WIDTH > MOST_BINS:
        return None
    sizes, sums, least, greatest = _moments(values, groups, count)
    if least < 0 or greatest == np.inf:
        return None
    with np.errstate(invalid="ignore"):
        mean = sums / sizes
        std = np.sqrt(_squares(values, groups, mean) / sizes)
    places = np.maximum(sizes - 1, 0)[:, None] * (levels / 100)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(sizes - 1, 0)[:, None])
    ranks = np.concatenate([low, high], axis=1)
    first = _bits(np.array([greatest]))[0] - WIDTH + 1
    # NaN has greater bits than any number, and gets a bin of its own.
    bins = np.clip(_bits(values) - first, 0, WIDTH).astype(np.int32)
    found = _ordered(values, bins, groups, sizes, ranks)
    below, above = found[:, : len(levels)], found[:, len(levels) :]
    return GroupFigures(sizes, mean, std, _between(below, above, places - low))


def _between(a: Floats, b: Floats, t: Floats) -> Floats:
    """Linear interpolation, rounded as numpy's."""
    return np.where(t >= 0.5, b - (b - a) * (1 - t), a + (b - a) * t)


def _bits(values: Floats) -> NDArray[np.int64]:
    """Exponents and the first bits of the fractions: numbers that rise with the values."""
    return values.view(np.int64) >> (52 - PER_OCTAVE_BITS)


@_compile
def _moments(values: Floats, groups: Array, count: int) -> tuple[Array, Array, float, float]:
    sizes, sums = np.zeros(count, np.int64), np.zeros(count)
    least, greatest = 0.0, 0.0
    for row in range(len(values)):
        value = values[row]
        if value != value:
            continue
        least, greatest = min(least, value), max(greatest, value)
        for column in range(groups.shape[1]):
            group = groups[row, column]
            if group >= 0:
                sizes[group] += 1
                sums[group] += value
    return sizes, sums, least, greatest


@_compile
def _squares(values: Floats, groups: Array, mean: Array) -> Array:
    squares = np.zeros(len(mean))
    for row in range(len(values)):
        value = values[row]
        if value != value:
            continue
        for column in range(groups.shape[1]):
            group = groups[row, column]
            if group >= 0:
                squares[group] += (value - mean[group]) ** 2
    return squares


@_compile
def _ordered(values: Floats, bins: Array, groups: Array, sizes: Array, ranks: Array) -> Array:
    """The values at some ranks of each group."""
    slot, starts, rank_slot = _slots(_counts(bins, groups, len(sizes)), sizes, ranks)
    inside = _inside(values, bins, groups, slot, starts)
    found = np.full(ranks.shape, np.nan)
    for group in range(len(sizes)):
        for wanted in range(ranks.shape[1]):
            if sizes[group] > 0:
                start = starts[rank_slot[group, wanted, 0]]
                found[group, wanted] = inside[start + rank_slot[group, wanted, 1]]
    return found


@_compile
def _counts(bins: Array, groups: Array, count: int) -> Array:
    """How many values of each group are in each bin."""
    counts = np.zeros((count, WIDTH), np.int32)
    for row in range(len(bins)):
        if bins[row] < WIDTH:
            for column in range(groups.shape[1]):
                if groups[row, column] >= 0:
                    counts[groups[row, column], bins[row]] += 1
    return counts


@_compile
def _inside(values: Floats, bins: Array, groups: Array, slot: Array, starts: Array) -> Array:
    """The values in numbered bins, sorted bin by bin."""
    inside = np.empty(starts[-1])
    filled = starts[:-1].copy()
    for row in range(len(bins)):
        if bins[row] < WIDTH:
            for column in range(groups.shape[1]):
                group = groups[row, column]
                if group >= 0 and slot[group, bins[row]] >= 0:
                    mine = slot[group, bins[row]]
                    inside[filled[mine]] = values[row]
                    filled[mine] += 1
    for mine in range(len(starts) - 1):
        part = inside[starts[mine] : starts[mine + 1]]
        if part.min() < part.max():
            part.sort()
    return inside


@_compile
def _slots(bins: Array, sizes: Array, ranks: Array) -> tuple[Array, Array, Array]:
    """Number the bins that hold a wanted rank; where each begins; slot and place of each rank."""
    count, wanted = ranks.shape
    slot = np.full(bins.shape, -1, np.int32)
    starts = np.zeros(count * wanted + 1, np.int64)
    rank_slot = np.zeros((count, wanted, 2), np.int64)
    slots = 0
    for group in range(count):
        before = 0
        if sizes[group] == 0:
            continue
        for place in range(bins.shape[1]):
            here = bins[group, place]
            if here == 0:
                continue
            for column in range(wanted):
                rank = ranks[group, column]
                if before <= rank < before + here:
                    if slot[group, place] < 0:
                        slot[group, place] = slots
                        starts[slots + 1] = starts[slots] + here
                        slots += 1
                    rank_slot[group, column, 0] = slot[group, place]
                    rank_slot[group, column, 1] = rank - before
            before += here
    return slot, starts[: slots + 1].copy(), rank_slot
