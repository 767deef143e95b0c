"""Figures over replications of one scenario, each with its confidence interval.

Percentiles come from all requests of all replications together and are never averaged; how far
to trust them is told by how replications differ, since the requests of one run are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from driftsched.results.statistics import PairedChange

__all__ = ["Estimate", "Pool", "paired_pool_change"]

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


class Pool:
    """A measure of every request, kept by replication.

    Parameters
    ----------
    samples : sequence of array
        One array a replication, with one value a request; NaN (no such time) is left out, and so is
        a replication without any value.

    Examples
    --------
    >>> pool = Pool([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    >>> pool.mean().value, pool.percentile(50).value
    (2.5, 2.5)
    """

    def __init__(self, samples: Sequence[ArrayLike]) -> None:
        arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
        kept = [np.sort(array[~np.isnan(array)]) for array in arrays]
        self.parts: list[Floats] = [part for part in kept if len(part)]
        self.values: Floats = np.sort(np.concatenate(self.parts)) if self.parts else np.empty(0)
        self._counts = np.array([len(part) for part in self.parts], dtype=np.float64)

    def mean(self, confidence: float = 0.95) -> Estimate:
        """Mean over all requests, with Student's interval for a ratio of totals.

        Sum and number of requests vary together from one replication to the next, so the interval
        is that of the ratio estimator (Law, Simulation Modeling and Analysis, §9.5).
        """
        if not self.parts:
            return Estimate(np.nan, np.nan, np.nan, 0, confidence)
        sums = np.array([part.sum() for part in self.parts])
        value = float(sums.sum() / self._counts.sum())
        half = float(self._half_width(sums - value * self._counts, confidence))
        return Estimate(value, value - half, value + half, len(self.parts), confidence)

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
        if not self.parts:
            return Estimate(np.nan, np.nan, np.nan, 0, confidence)
        share = p / 100
        value = float(np.quantile(self.values, share))
        under = np.array([np.searchsorted(part, value, side="right") for part in self.parts])
        half = float(self._half_width(under - share * self._counts, confidence))
        low, high = self._at(share - half, -np.inf), self._at(share + half, np.inf)
        return Estimate(value, low, high, len(self.parts), confidence)

    def _at(self, share: float, beyond: float) -> float:
        """Value at a share of all requests; `beyond` outside of 0 to 1."""
        if np.isnan(share):
            return np.nan
        return float(np.quantile(self.values, share)) if 0 < share < 1 else beyond

    def share_under(self, bounds: ArrayLike, confidence: float = 0.95) -> Floats:
        """Distribution function with its band at each of `bounds`.

        Returns
        -------
        float array, shape (3, len(bounds))
            Share of requests at or under the bound, and the ends of its pointwise interval.
        """
        at = np.asarray(bounds, dtype=np.float64)
        if not self.parts:
            return np.full((3, len(at)), np.nan)
        under = np.array([np.searchsorted(part, at, side="right") for part in self.parts])
        share = under.sum(axis=0) / self._counts.sum()
        half = self._half_width(under - share * self._counts[:, None], confidence)
        return np.stack([share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1)])

    def without(self, replication: int) -> Floats:
        """All values but those of one replication, unsorted."""
        return np.concatenate(
            [part for number, part in enumerate(self.parts) if number != replication]
        )

    def _half_width(self, residuals: Floats, confidence: float) -> Floats:
        """Half width of the interval of a ratio whose numerators leave these residuals."""
        n = len(self.parts)
        if n < 2:
            return np.full(residuals.shape[1:], np.nan)
        error = (residuals / self._counts.mean()).std(axis=0, ddof=1) / np.sqrt(n)
        half: Floats = stdtrit(n - 1, (1 + confidence) / 2) * error
        return half


def paired_pool_change(
    before: Pool, after: Pool, p: float | None = None, confidence: float = 0.95
) -> PairedChange:
    """Relative change of a percentile, or of the mean, between two policies on the same seeds.

    Both figures come from all requests together. The interval is that of the delete-one-seed
    jackknife of the logarithm of their ratio: leaving a seed out changes both, so what the two
    share (common random numbers) drops out (Miller 1974, "The jackknife: a review").

    Parameters
    ----------
    before, after : Pool
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
    n = len(before.parts)
    if n != len(after.parts):
        raise ValueError(f"after must have before's {n} replications, got {len(after.parts)}")
    figure = _figure(p)
    if not n or figure(before.values) <= 0 or figure(after.values) <= 0:
        return PairedChange(np.nan, np.nan, np.nan, n, confidence)
    whole = np.log(figure(after.values) / figure(before.values))
    if n < 2:
        return PairedChange(float(np.expm1(whole)), np.nan, np.nan, n, confidence)
    least = [
        np.log(figure(after.without(number)) / figure(before.without(number)))
        for number in range(n)
    ]
    pseudo = n * whole - (n - 1) * np.asarray(least)
    half = stdtrit(n - 1, (1 + confidence) / 2) * pseudo.std(ddof=1) / np.sqrt(n)
    low, high = np.expm1([whole - half, whole + half])
    return PairedChange(float(np.expm1(whole)), float(low), float(high), n, confidence)


def _figure(p: float | None) -> Callable[[Floats], float]:
    if p is None:
        return lambda values: float(values.mean())
    share = p / 100

    def percentile(values: Floats) -> float:
        return float(np.quantile(values, share))

    return percentile
