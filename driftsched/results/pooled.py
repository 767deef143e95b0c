"""Figures over replications of one scenario, each with its confidence interval.

Percentiles come from all requests of all replications together and are never averaged; how far
to trust them is told by how replications differ, since the requests of one run are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from driftsched.core.arrays import Floats, Ints
from driftsched.core.lazily import lazily
from driftsched.results.statistics import PairedChange, cautious_half_width, half_width, student


@dataclass(frozen=True)
class Estimate:
    """A figure over `n` replications and the ends of its 95 % interval.

    They are NaN where they are unknown; an infinite end is unbounded.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def precision(self) -> float:
        """Half the interval's width over the value: 0.05 is ±5 %; NaN where unknown."""
        return (self.high - self.low) / 2 / abs(self.value) if self.value else np.nan


UNKNOWN = Estimate(np.nan, np.nan, np.nan, 0)


class PooledSample:
    """A measure of every request, kept by replication.

    `samples` is one array a replication, with one value a request; NaN (no such time) is left out,
    and so is a replication without any value.

    Examples
    --------
    >>> pool = PooledSample([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    >>> pool.mean().value, pool.percentile(50).value
    (2.5, 2.5)
    """

    def __init__(self, samples: Sequence[ArrayLike]) -> None:
        arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
        kept = [array[~np.isnan(array)] for array in arrays]
        self._samples: list[Floats] = [array for array in kept if len(array)]
        self._counts = np.array([len(array) for array in self._samples], dtype=np.float64)
        self._left_out: dict[float | None, Floats] = {}

    @lazily
    def parts(self) -> list[Floats]:
        """The values of each replication, ascending."""
        return [np.sort(sample) for sample in self._samples]

    @lazily
    def values(self) -> Floats:
        """All values, ascending."""
        return np.sort(np.concatenate(self._samples)) if self._samples else np.empty(0)

    @lazily
    def _sums(self) -> Floats:
        return np.array([sample.sum() for sample in self._samples])

    def mean(self) -> Estimate:
        """Mean over all requests, with Student's interval for a ratio of totals.

        Sum and number of requests vary together from one replication to the next, so the interval
        is that of the ratio estimator (Law, Simulation Modeling and Analysis, §9.5).
        """
        if not len(self):
            return UNKNOWN
        value = float(self._sums.sum() / self._counts.sum())
        half = float(self._half_width(self._sums - value * self._counts))
        return Estimate(value, value - half, value + half, len(self))

    def percentile(self, p: float) -> Estimate:
        """Percentile of all requests together, with Woodruff's interval.

        The share of requests at or under the percentile is a mean over replications; its interval
        is carried back through the pooled distribution (Woodruff 1952, "Confidence intervals for
        medians and other position measures"). Where it reaches beyond 0 or 1 the replications are
        too few to bound the tail, and that end is infinite. `p` is above 0 and under 100.
        """
        if not len(self):
            return UNKNOWN
        share = p / 100
        value = _quantile(self.values, share)
        under = np.array([part.searchsorted(value, side="right") for part in self.parts])
        half = float(self._half_width(under - share * self._counts))
        low, high = self._at(share - half, -np.inf), self._at(share + half, np.inf)
        return Estimate(value, low, high, len(self))

    def estimate(self, p: float | None) -> Estimate:
        """`percentile`, or the mean where `p` is None."""
        return self.mean() if p is None else self.percentile(p)

    def _at(self, share: float, beyond: float) -> float:
        """Value at a share of all requests; `beyond` outside of 0 to 1."""
        if np.isnan(share):
            return np.nan
        return _quantile(self.values, share) if 0 < share < 1 else beyond

    def share_under(self, bounds: ArrayLike) -> Floats:
        """Share of requests at or under each bound, and its pointwise band; (3, len(bounds))."""
        at = np.asarray(bounds, dtype=np.float64)
        if not len(self):
            return np.full((3, len(at)), np.nan)
        under = np.array([part.searchsorted(at, side="right") for part in self.parts])
        share = under.sum(axis=0) / self._counts.sum()
        half = self._half_width(under - share * self._counts[:, None])
        return np.stack([share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1)])

    def __len__(self) -> int:
        """Replications with a value."""
        return len(self._samples)

    def figure(self, p: float | None) -> float:
        """Percentile `p` of all requests together, or their mean where that is None."""
        if p is None:
            return float(self._sums.sum() / self._counts.sum())
        return _quantile(self.values, p / 100)

    def left_out(self, p: float | None) -> Floats:
        """`figure` without one replication each; shape (replications,)."""
        if p not in self._left_out:
            self._left_out[p] = np.array([self._without(n, p) for n in range(len(self))])
        return self._left_out[p]

    def jackknife(self, p: float | None) -> Estimate:
        """`figure` with the interval of the delete-one-replication jackknife, even on both sides.

        It tells how far replications differ also where Woodruff's interval is open (Shao and Wu
        1989, "A general theory for jackknife variance estimation": for percentiles it needs many
        values a replication).
        """
        n = len(self)
        value = self.figure(p) if n else np.nan
        if n < 2:
            return Estimate(value, np.nan, np.nan, n)
        half = float(half_width(n * value - (n - 1) * self.left_out(p)))
        return Estimate(value, value - half, value + half, n)

    def pseudo_logarithms(self, p: float | None) -> Floats:
        """The jackknife's pseudo-values of the logarithm of `figure`; shape (replications,)."""
        n = len(self)
        found: Floats = n * np.log(self.figure(p)) - (n - 1) * np.log(self.left_out(p))
        return found

    def cautious_half_width(self, values: Floats) -> float:
        """`cautious_half_width` of a figure's pseudo-values, one a replication."""
        return cautious_half_width(values)

    def _without(self, replication: int, p: float | None) -> float:
        rest = float(self._counts.sum() - self._counts[replication])
        if p is None:
            return float(self._sums.sum() - self._sums[replication]) / rest
        # How many of the other values stand before each of this replication's.
        before = self._before[replication]
        at = p / 100 * (rest - 1)
        below = int(at)
        low = self._rest(before, below)
        return low + (at - below) * (self._rest(before, min(below + 1, int(rest) - 1)) - low)

    def _rest(self, before: Ints, place: int) -> float:
        """The value at a place among all but one replication's."""
        return float(self.values[place + before.searchsorted(place, side="right")])

    @lazily
    def _before(self) -> list[Ints]:
        owners = np.repeat(np.arange(len(self._samples)), self._counts.astype(np.int64))
        owners = owners[np.argsort(np.concatenate(self._samples))]
        places = [np.flatnonzero(owners == number) for number in range(len(self._samples))]
        return [mine - np.arange(len(mine)) for mine in places]

    def _half_width(self, residuals: Floats) -> Floats:
        """Half width of the interval of a ratio whose numerators leave these residuals."""
        n = len(self)
        if n < 2:
            return np.full(residuals.shape[1:], np.nan)
        error = (residuals / self._counts.mean()).std(axis=0, ddof=1) / np.sqrt(n)
        return np.asarray(student(n) * error)


def paired_pool_change(
    before: PooledSample, after: PooledSample, p: float | None = None
) -> PairedChange:
    """Relative change of a percentile, or of the mean, between two policies on the same seeds.

    Both figures come from all requests together. The interval is that of the delete-one-seed
    jackknife of the logarithm of their ratio: leaving a seed out changes both, so what the two
    share (common random numbers) drops out (Miller 1974, "The jackknife: a review"). It is widened
    for few replications, some of which are far off (`cautious_half_width`). Replications are in the
    same order of seeds; without `p` means are compared.

    Raises
    ------
    ValueError
        When the two have different numbers of replications.
    """
    if len(before) != len(after):
        raise ValueError(f"after must have before's {len(before)} replications, got {len(after)}")
    return _pool_change(before, after, p, paired=True)


def unpaired_pool_change(
    before: PooledSample, after: PooledSample, p: float | None = None
) -> PairedChange:
    """The same between two samples that share nothing, of any number of replications each.

    The interval's half width is the root of the sum of the squares of the two figures' own.
    """
    return _pool_change(before, after, p, paired=False)


def _pool_change(
    before: PooledSample, after: PooledSample, p: float | None, *, paired: bool
) -> PairedChange:
    n = min(len(before), len(after))
    unknown = PairedChange(np.nan, np.nan, np.nan, n)
    if not n or before.figure(p) <= 0 or after.figure(p) <= 0:
        return unknown
    whole = np.log(after.figure(p) / before.figure(p))
    unbounded = replace(unknown, mean=float(np.expm1(whole)))
    if n < 2 or not (np.all(before.left_out(p) > 0) and np.all(after.left_out(p) > 0)):
        return unbounded
    old, new = before.pseudo_logarithms(p), after.pseudo_logarithms(p)
    if paired:
        half = before.cautious_half_width(new - old)
    else:
        half = float(np.hypot(before.cautious_half_width(old), after.cautious_half_width(new)))
    low, high = np.expm1([whole - half, whole + half])
    return replace(unbounded, low=float(low), high=float(high))


def _quantile(ascending: Floats, share: float) -> float:
    """Numpy's quantile of values that are in order already."""
    at = share * (len(ascending) - 1)
    below = int(at)
    low = float(ascending[below])
    if below + 1 == len(ascending):
        return low
    return low + (at - below) * (float(ascending[below + 1]) - low)
