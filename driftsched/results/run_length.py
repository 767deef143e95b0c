"""How much to simulate: where a warm-up ends, how many replications a figure needs."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from driftsched.core.arrays import Floats
from driftsched.results.pooled import Estimate, PooledSample
from driftsched.results.statistics import student
from driftsched.results.wording import counted

MOST_REPLICATIONS = 100_000
BATCH = 5


def replications_needed(estimate: Estimate, precision: float = 0.05) -> int | None:
    """Replications after which the interval is about ±`precision` of the value: 0.05 is ±5 %.

    The half width falls with Student's t over the root of the number of replications; the spread
    between replications is taken from the estimate, which rests on two or more (Law, Simulation
    Modeling and Analysis, §9.4.1). None where it has no interval or a value of 0.

    Raises
    ------
    ValueError
        When `precision` is not above 0.

    Examples
    --------
    >>> replications_needed(Estimate(10.0, 9.0, 11.0, 10))
    33
    """
    if precision <= 0:
        raise ValueError(f"precision must be > 0, got {precision:g}")
    n, now = estimate.n, estimate.precision
    if n < 2 or not math.isfinite(now):
        return None
    spread = now * math.sqrt(n) / student(n)
    counts = range(2, MOST_REPLICATIONS)
    return 2 + bisect_left(
        counts,
        True,
        key=lambda n: student(n) * spread / math.sqrt(n) <= precision,
    )


def replications_of(pool: PooledSample, p: float | None, precision: float = 0.05) -> int | None:
    """`replications_needed` for a percentile, or for the mean where `p` is None.

    The larger of what Woodruff's interval and the jackknife say: the one is open, or too short,
    where the replications are few for the tail. It is an estimate from a few replications itself:
    for 10 and an even spread mostly within half and twice of what is needed, and rather less than
    needed where a few replications are far worse than all others.
    """
    found = pool.estimate(p), pool.jackknife(p)
    needed = [replications_needed(one, precision) for one in found]
    return max((n for n in needed if n is not None), default=None)


def advice(pool: PooledSample, p: float | None, name: str, precision: float = 0.05) -> str:
    """Say in a sentence how far a figure can be trusted and what it would take.

    The figure is the percentile `p`, or the mean where that is None; `name` is what the sentence
    calls it: ``"P99"``. `precision` is the wanted half width over the value.
    """
    estimate, needed = pool.estimate(p), replications_of(pool, p, precision)
    seen = counted(estimate.n, "replication")
    if needed is None:
        return f"How far to trust {name} is not known from {seen}"
    reached = f"{name} is known to ±{_percent(estimate.precision)} from {seen}"
    if math.isinf(estimate.precision):
        reached = f"{seen} are too few to bound {name}"
        needed = max(needed, estimate.n + 1)
    if estimate.precision <= precision:
        return reached
    if needed >= MOST_REPLICATIONS:
        return f"{reached}; ±{_percent(precision)} is out of reach"
    return f"{reached}; ±{_percent(precision)} needs about {needed:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


@dataclass(frozen=True)
class Warmup:
    """How many values at the beginning of a series to leave out.

    `settled` is False where the rule found no end of the warm-up in the first half: the run is too
    short, or the load is too high for a steady state.
    """

    cut: int
    settled: bool


def mser5(series: ArrayLike) -> Warmup:
    """Find the warm-up of a series by MSER-5.

    Means of five values each are cut where the standard error of the rest is least; a cut in the
    second half is no answer (White, Cobb & Spratt 2000, "A comparison of five steady-state
    truncation heuristics for simulation"). Fewer than 20 values are too few to tell.

    Parameters
    ----------
    series : array, shape (n,)
        One measure of the requests in order of arrival; NaN is left out of a batch's mean, and a
        batch without any value counts as the one before.

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


def _batch_means(values: Floats) -> Floats:
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    means = pd.Series(sums / np.where(counts > 0, counts, np.nan))
    return means.ffill().bfill().fillna(0.0).to_numpy(np.float64)
