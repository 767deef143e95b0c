"""Figures over replications of one scenario, each with its confidence interval.

Percentiles come from all requests of all replications together and are never averaged; how far
to trust them is told by how replications differ, since the requests of one run are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from driftsched.core.lazily import lazily
from driftsched.results.statistics import PairedChange, cautious_half_width, half_width

__all__ = ["Estimate", "PooledSample", "paired_pool_change"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its interval; NaN where they are unknown.

    Attributes
    ----------
    value, low, high : float
        The figure over all replications, and its confidence interval; an infinite end is unbounded.
    n : int
        Replications it rests on.
    confidence : float
        Coverage of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    confidence: float

    @property
    def precision(self) -> float:
        """Half the interval's width over the value: 0.05 is ±5 %; NaN where unknown."""
        return (self.high - self.low) / 2 / abs(self.value) if self.value else np.nan


class PooledSample:
    """A measure of every request, kept by replication.

    Parameters
    ----------
    samples : sequence of array
        One array a replication, with one value a request; NaN (no such time) is left out, and so is
        a replication without any value.

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

    def mean(self, confidence: float = 0.95) -> Estimate:
        """Mean over all requests, with Student's interval for a ratio of totals.

        Sum and number of requests vary together from one replication to the next, so the interval
        is that of the ratio estimator (Law, Simulation Modeling and Analysis, §9.5).
        """
        if not len(self):
            return Estimate(np.nan, np.nan, np.nan, 0, confidence)
        value = float(self._sums.sum() / self._counts.sum())
        half = float(self._half_width(self._sums - value * self._counts, confidence))
        return Estimate(value, value - half, value + half, len(self), confidence)

    def percentile(self, p: float, confidence: float = 0.95) -> Estimate:
        """Percentile of all requests together, with Woodruff's interval.

        The share of requests at or under the percentile is a mean over replications; its interval
        is carried back through the pooled distribution (Woodruff 1952, "Confidence intervals for
        medians and other position measures"). Where it reaches beyond 0 or 1 the replications are
        too few to bound the tail, and that end is infinite.

        Parameters
        ----------
        p : float
            Above 0 and under 100.
        confidence : float
            Coverage, between 0 and 1.
        """
        if not len(self):
            return Estimate(np.nan, np.nan, np.nan, 0, confidence)
        share = p / 100
        value = _quantile(self.values, share)
        under = np.array([part.searchsorted(value, side="right") for part in self.parts])
        half = float(self._half_width(under - share * self._counts, confidence))
        low, high = self._at(share - half, -np.inf), self._at(share + half, np.inf)
        return Estimate(value, low, high, len(self), confidence)

    def estimate(self, p: float | None) -> Estimate:
        """`percentile`, or the mean where `p` is None."""
        return self.mean() if p is None else self.percentile(p)

    def _at(self, share: float, beyond: float) -> float:
        """Value at a share of all requests; `beyond` outside of 0 to 1."""
        if np.isnan(share):
            return np.nan
        return _quantile(self.values, share) if 0 < share < 1 else beyond

    def share_under(self, bounds: ArrayLike, confidence: float = 0.95) -> Floats:
        """Distribution function with its band at each of `bounds`.

        Returns
        -------
        float array, shape (3, len(bounds))
            Share of requests at or under the bound, and the ends of its pointwise interval.
        """
        at = np.asarray(bounds, dtype=np.float64)
        if not len(self):
            return np.full((3, len(at)), np.nan)
        under = np.array([part.searchsorted(at, side="right") for part in self.parts])
        share = under.sum(axis=0) / self._counts.sum()
        half = self._half_width(under - share * self._counts[:, None], confidence)
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

    def jackknife(self, p: float | None, confidence: float = 0.95) -> Estimate:
        """`figure` with the interval of the delete-one-replication jackknife, even on both sides.

        It tells how far replications differ also where Woodruff's interval is open (Shao and Wu
        1989, "A general theory for jackknife variance estimation": for percentiles it needs many
        values a replication).
        """
        n = len(self)
        value = self.figure(p) if n else np.nan
        if n < 2:
            return Estimate(value, np.nan, np.nan, n, confidence)
        half = float(half_width(n * value - (n - 1) * self.left_out(p), confidence))
        return Estimate(value, value - half, value + half, n, confidence)

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

    def _rest(self, before: NDArray[np.int64], place: int) -> float:
        """The value at a place among all but one replication's."""
        return float(self.values[place + before.searchsorted(place, side="right")])

    @lazily
    def _before(self) -> list[NDArray[np.int64]]:
        owners = np.repeat(np.arange(len(self._samples)), self._counts.astype(np.int64))
        owners = owners[np.argsort(np.concatenate(self._samples))]
        places = [np.flatnonzero(owners == number) for number in range(len(self._samples))]
        return [mine - np.arange(len(mine)) for mine in places]

    def _half_width(self, residuals: Floats, confidence: float) -> Floats:
        """Half width of the interval of a ratio whose numerators leave these residuals."""
        n = len(self)
        if n < 2:
            return np.full(residuals.shape[1:], np.nan)
        error = (residuals / self._counts.mean()).std(axis=0, ddof=1) / np.sqrt(n)
        half: Floats = stdtrit(n - 1, (1 + confidence) / 2) * error
        return half


def paired_pool_change(
    before: PooledSample, after: PooledSample, p: float | None = None, confidence: float = 0.95
) -> PairedChange:
    """Relative change of a percentile, or of the mean, between two policies on the same seeds.

    Both figures come from all requests together. The interval is that of the delete-one-seed
    jackknife of the logarithm of their ratio: leaving a seed out changes both, so what the two
    share (common random numbers) drops out (Miller 1974, "The jackknife: a review"). It is widened
    for few replications, some of which are far off (`cautious_half_width`).

    Parameters
    ----------
    before, after : PooledSample
        Replications in the same order of seeds.
    p : float, optional
        Percentile; None compares means.
    confidence : float
        Coverage, between 0 and 1.

    Raises
    ------
    ValueError
        When the two have different numbers of replications.
    """
    n = len(before)
    if n != len(after):
        raise ValueError(f"after must have before's {n} replications, got {len(after)}")
    unknown = PairedChange(np.nan, np.nan, np.nan, n, confidence)
    if not n or before.figure(p) <= 0 or after.figure(p) <= 0:
        return unknown
    whole = np.log(after.figure(p) / before.figure(p))
    unbounded = replace(unknown, mean=float(np.expm1(whole)))
    if n < 2 or not (np.all(before.left_out(p) > 0) and np.all(after.left_out(p) > 0)):
        return unbounded
    pseudo = n * whole - (n - 1) * np.log(after.left_out(p) / before.left_out(p))
    half = cautious_half_width(pseudo, confidence)
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
