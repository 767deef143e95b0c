"""What a sweep's table says: who is on the Pareto front, and which parameter moves a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from driftsched.core.arrays import Bools, Floats, Ints
from driftsched.experiments.sweeps.parameter import Parameter

__all__ = ["cells", "importance", "pareto"]

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


def importance(table: pd.DataFrame, parameters: Sequence[Parameter], figure: str) -> pd.DataFrame:
    """How much of a figure's variance over the points each parameter explains by itself.

    It is the variance of the means of a parameter's groups over that of all points: the first-order
    index of Sobol (1993), as given data have it (Plischke, Borgonovo and Smith 2013). It is that of
    ranks, since one saturated point would else outweigh all others (Saltelli and Sobol 1995), and
    less what groups of chance explain (ε², Kelley 1935), so that a parameter that does nothing is
    at 0 on average. The rest is what parameters do together, and noise.

    Parameters
    ----------
    table : DataFrame
        As `sweep_table`; points without the figure are left out.
    parameters : sequence of Parameter
        Those of a range have groups of as many points each, the square root of their number, at
        most ten.
    figure : str
        A column of the table.

    Returns
    -------
    DataFrame
        parameter, share (0 to 1, NaN where the figure never changes), groups, points; the greatest
        first.
    """
    known = _known(table, figure)
    ranks: Floats = np.asarray(known[figure].rank(), dtype=np.float64)
    rows = []
    for parameter in parameters:
        groups = pd.factorize(_grouped(known[parameter.name], parameter))[0].astype(np.int64)
        kinds = len(np.unique(groups))
        rows.append((parameter.name, _explained(ranks, groups), kinds, len(known)))
    found = pd.DataFrame(rows, columns=["parameter", "share", "groups", "points"])
    return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def cells(table: pd.DataFrame, parameters: Sequence[Parameter], figure: str) -> pd.DataFrame:
    """Give a figure by the values of one or two parameters, drawn ones in groups.

    Returns
    -------
    DataFrame
        A column a parameter (of a group its mean), then value, low, high, points. Of one point the
        ends are those of its 95 % interval; of several, which differ in other parameters, value is
        their mean, low the least and high the greatest.
    """
    known = _known(table, figure)
    names = [parameter.name for parameter in parameters]
    by = [_grouped(known[parameter.name], parameter) for parameter in parameters]
    ends = known[[figure, f"{figure}_low", f"{figure}_high"]].set_axis(
        ["value", "low", "high"], axis=1
    )
    rows = []
    for group, mine in ends.groupby(by, sort=False):
        one = mine.iloc[0] if len(mine) == 1 else mine["value"].agg(["mean", "min", "max"])
        rows.append((*group, *map(float, one), len(mine)))
    return pd.DataFrame(rows, columns=[*names, "value", "low", "high", "points"])


def _known(table: pd.DataFrame, figure: str) -> pd.DataFrame:
    if not len(table) or figure not in table:
        return table.iloc[:0].assign(**{f"{figure}{end}": np.nan for end in ("", "_low", "_high")})
    return table[(table["status"] == "done") & table[figure].notna()]


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


def _grouped(column: pd.Series[Any], parameter: Parameter) -> pd.Series[Any]:
    """The values themselves where they were listed, else the mean of each one's group."""
    few = int(min(max(np.sqrt(len(column)), 2), MOST_GROUPS))
    if parameter.values or column.nunique() <= few:
        return column
    groups = (column.rank(method="first") - 1) * few // len(column)
    return column.groupby(groups).transform("mean").map(lambda mean: float(f"{mean:.3g}"))
