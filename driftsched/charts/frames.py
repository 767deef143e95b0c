"""What charts ask of the tables: which names there are, which rows count, fewer points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_SERIES = 10
"""More names than this are hard to tell apart; the small ones are drawn as one."""
OTHERS = "others"
POINTS = 600

Floats = NDArray[np.float64]


def names_in(column: pd.Series[Any]) -> list[str]:
    """Names that occur in a column, in its categorical order, else in order of appearance."""
    found = column.dropna().unique()
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(found)
        return [str(name) for name in column.cat.categories if name in present]
    return [str(name) for name in found]


def few(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with at most `MAX_SERIES` names: the rare ones become "others"."""
    names = names_in(column)
    if len(names) <= MAX_SERIES:
        return column
    common = set(column.value_counts(sort=True).index[: MAX_SERIES - 1].astype(str))
    kept = [name for name in names if name in common]
    text = column.astype(str)
    folded = text.where(text.isin(kept), OTHERS)
    return folded.astype(pd.CategoricalDtype([*kept, OTHERS]))


def values_of(frame: pd.DataFrame, column: str) -> Floats:
    """Return the finite values of a column, sorted."""
    if frame.empty:
        return np.empty(0)
    values = frame[column].to_numpy(dtype=np.float64)
    return np.sort(values[np.isfinite(values)])


def spread(count: int, most: int) -> NDArray[np.intp]:
    """Evenly spread places in a table of `count` rows, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))


def peaks(time_s: Floats, level: Floats, points: int = POINTS) -> tuple[Floats, Floats]:
    """Thin out a step function to the peaks of `points` intervals: start and level of each.

    From time_s[i] on the level is level[i]; of several rows at one instant the last holds.
    """
    last = np.append(np.diff(time_s) > 0, True)
    time_s, level = time_s[last], level[last]
    if len(time_s) <= points:
        return time_s, level
    starts = np.linspace(time_s[0], time_s[-1], points)
    first = np.searchsorted(time_s, starts)
    inside = np.maximum.reduceat(level, first)
    stop = np.append(first[1:], len(level))
    entered = level[np.maximum(first - (time_s[first] > starts), 0)]
    return starts, np.where(stop > first, np.maximum(inside, entered), entered)


def bin_means(time_s: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Thin out samples to means over at most `POINTS` equal intervals; NaN is left out."""
    known = np.isfinite(value)
    time_s, value = time_s[known], value[known]
    if len(time_s) <= POINTS:
        return time_s, value
    edges = np.linspace(time_s[0], time_s[-1], POINTS + 1)
    place = np.clip(np.searchsorted(edges, time_s, side="right") - 1, 0, POINTS - 1)
    count = np.bincount(place, minlength=POINTS)
    total = np.bincount(place, weights=value, minlength=POINTS)
    some = count > 0
    return (edges[:-1] + edges[1:])[some] / 2, total[some] / count[some]


def log_edges(values: Floats, bins: int) -> Floats:
    """Return edges of logarithmic bins over the positive values, at least one bin wide."""
    positive = values[values > 0]
    low, high = (positive.min(), positive.max()) if len(positive) else (1.0, 1.0)
    if high <= low * 1.001:
        low, high = low / 1.1, high * 1.1
    return np.geomspace(low, high, bins + 1)
