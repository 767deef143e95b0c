"""What a sweep's table says: who is on the Pareto front, and which parameter moves a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from driftsched.core.arrays import Bools, Floats, Ints

__all__ = ["importance", "pareto"]

MOST_GROUPS = 10
"""Values of a drawn parameter are put into so many groups at most."""


def pareto(first: ArrayLike, second: ArrayLike) -> Bools:
    """Whether no other point is better in one figure and at least as good in the other.

    `first` and `second`, shape (n,), are such that less is better; a point with a NaN is never on
    the front, and of equal points all are.

    Examples
    --------
    >>> pareto([1, 2, 3, 3], [3, 2, 2, 1]).tolist()
    [True, True, False, True]
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    on = np.zeros(len(a), dtype=bool)
    known = np.flatnonzero(~np.isnan(a) & ~np.isnan(b))
    order = known[np.lexsort((b[known], a[known]))]
    best = np.inf
    last = (np.nan, np.nan)
    for place in order:
        if b[place] < best or (a[place], b[place]) == last:
            on[place] = True
            best, last = b[place], (a[place], b[place])
    return on


def importance(table: pd.DataFrame, parameters: Sequence[str], figure: str) -> pd.DataFrame:
    """How much of a figure's variance over the points each parameter explains by itself.

    It is the variance of the means of a parameter's groups over that of all points: the first-order
    index of Sobol (1993), as given data have it (Plischke, Borgonovo and Smith 2013). It is that of
    ranks, since one saturated point would else outweigh all others (Saltelli and Sobol 1995), and
    less what groups of chance explain (ε², Kelley 1935), so that a parameter that does nothing is
    at 0 on average. Drawn values are put into groups of as many points each, the square root of
    their number, at most ten. The rest is what parameters do together, and noise.

    Returns
    -------
    DataFrame
        parameter, share (0 to 1, NaN where the figure never changes), groups; the greatest first.
        Its ``attrs["points"]`` says how many points had the figure.
    """
    known = table[(table["status"] == "done") & table[figure].notna()] if len(table) else table
    ranks = known[figure].rank().to_numpy(np.float64)
    rows = []
    for name in parameters:
        groups = _groups(known[name])
        rows.append((name, _explained(ranks, groups), len(np.unique(groups))))
    found = pd.DataFrame(rows, columns=["parameter", "share", "groups"])
    found = found.sort_values("share", ascending=False, kind="stable", ignore_index=True)
    found.attrs["points"] = len(known)
    return found


def _explained(values: Floats, groups: Ints) -> float:
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    sizes = np.bincount(groups)
    count, kinds = len(values), len(sizes)
    if total == 0 or count <= kinds:
        return np.nan
    means = np.bincount(groups, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum())
    within = (total - between) / (count - kinds)
    return max((between - (kinds - 1) * within) / total, 0.0)


def _groups(column: pd.Series[Any]) -> Ints:
    """Number the groups of a parameter's values, each with at least one point."""
    codes, values = pd.factorize(column, sort=False)
    few = int(min(max(np.sqrt(len(column)), 2), MOST_GROUPS))
    if len(values) > MOST_GROUPS and pd.api.types.is_numeric_dtype(column):
        place = column.rank(method="first").to_numpy(np.int64) - 1
        return (place * few // len(column)).astype(np.int64)
    return codes.astype(np.int64)
