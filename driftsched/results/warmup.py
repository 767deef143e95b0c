"""Where a run's warm-up ends: what came before is not the steady state one asks about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Warmup", "mser5"]

BATCH = 5


@dataclass(frozen=True)
class Warmup:
    """How much of a series to leave out.

    Attributes
    ----------
    cut : int
        Values to leave out at the start.
    settled : bool
        False where the rule found no end of the warm-up in the first half: the run is too short, or
        the load is too high for a steady state.
    """

    cut: int
    settled: bool


def mser5(series: ArrayLike) -> Warmup:
    """Find the warm-up of a series by MSER-5.

    Means of five values each are cut where the standard error of the rest is least; a cut in the
    second half is no answer (White, Cobb & Spratt 2000, "A comparison of five steady-state
    truncation heuristics for simulation").

    Parameters
    ----------
    series : array, shape (n,)
        One measure of the requests in order of arrival; NaN is left out of a batch's mean, and a
        batch without any value counts as the one before.

    Returns
    -------
    Warmup
        Fewer than 20 values are too few to tell: nothing is cut and `settled` is False.

    Examples
    --------
    >>> mser5([9, 9, 9, 9, 9] * 4 + [1, 2, 1, 2, 1] * 40)
    Warmup(cut=20, settled=True)
    """
    values = np.asarray(series, dtype=np.float64)
    batches = len(values) // BATCH
    if batches < 4:
        return Warmup(0, False)
    means = _batch_means(values[: batches * BATCH].reshape(batches, BATCH))
    # From the end backwards: sums over the batches that are kept, centred against cancellation.
    centred = means - means.mean()
    kept = np.arange(batches, 0, -1)
    sums = np.cumsum(centred[::-1])[::-1]
    squares = np.cumsum((centred**2)[::-1])[::-1]
    error = (squares - sums**2 / kept) / kept**2
    half = batches // 2
    error = error[: batches - 1 - batches // 10]
    # The first of equal ones, but for rounding.
    best = int(np.argmax(error <= error.min() + 1e-12 * error[0]))
    if best > half:
        return Warmup(0, False)
    return Warmup(best * BATCH, True)


def _batch_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    means = np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
    last = np.maximum.accumulate(np.where(counts > 0, np.arange(len(means)), -1))
    first = int(np.argmax(counts > 0))
    filled = means[np.where(last < 0, first, last)]
    return np.asarray(np.nan_to_num(filled))
