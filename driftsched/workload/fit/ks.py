"""Kolmogorov–Smirnov distance of data from a distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ks_distance"]

FloatArray = NDArray[np.float64]


def ks_distance(values: FloatArray, cdf: Callable[[FloatArray], FloatArray], width: float) -> float:
    """Largest gap between the share of data up to a value and what a distribution says.

    Parameters
    ----------
    values : float array, shape (n,)
        Data, in any order.
    cdf : callable
        The distribution.
    width : float
        Half of what the data were rounded to: data of whole numbers are compared half a unit
        above each of them.

    Examples
    --------
    >>> round(ks_distance(np.array([1.0, 2, 3, 4]), lambda x: np.clip(x / 4, 0, 1), 0.0), 3)
    0.25
    """
    distinct, counts = np.unique(values, return_counts=True)
    share = np.cumsum(counts) / len(values)
    gap = np.abs(share - cdf(distinct + width))
    if width == 0:
        before = np.append(0.0, share[:-1])
        gap = np.maximum(gap, np.abs(before - cdf(distinct)))
    return float(gap.max())
