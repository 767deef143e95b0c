"""Confidence intervals over replications, and what they allow to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

__all__ = [
    "PairedChange",
    "cautious_half_width",
    "half_width",
    "latency_verdict",
    "mean_interval",
    "paired_change",
]


MANYFOLD = 10
"""From so many times as long on nobody reads a change in percent."""


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent replications with its Student t interval.

    Parameters
    ----------
    values : array, shape (n,)
        One value a replication (a different seed); NaN is left out.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        mean, low, high. One value alone has no interval: low and high are NaN; none at all: all
        three are.

    Raises
    ------
    ValueError
        When confidence is not between 0 and 1.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval([1, 2, 3])]
    [2.0, -0.484, 4.484]
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence:g}")
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x)]
    n = len(x)
    if n < 2:
        return (float(x[0]) if n else np.nan, np.nan, np.nan)
    mean, half = float(x.mean()), float(half_width(x, confidence))
    return mean, mean - half, mean + half


def half_width(values: NDArray[np.float64], confidence: float = 0.95) -> NDArray[np.float64]:
    """Half of Student's interval of the mean over the first axis; NaN where that has one value."""
    n = len(values)
    if n < 2:
        return np.full(values.shape[1:], np.nan)
    quantile = stdtrit(n - 1, (1 + confidence) / 2)
    half: NDArray[np.float64] = quantile * values.std(axis=0, ddof=1) / np.sqrt(n)
    return half


def cautious_half_width(values: NDArray[np.float64], confidence: float = 0.95) -> float:
    """The same of few and skewed values, as figures of queues near saturation are.

    Student's with half the degrees of freedom, and wider by half the skewness. Of changes of P95
    and P99 from policy to policy at nine tenths of capacity, where one replication in twenty has
    a long queue, Student's own held 67 to 95 %, this one 84 to 100 %.
    """
    n = len(values)
    spread = float(values.std()) if n > 1 else 0.0
    if spread == 0:
        return float(half_width(values, confidence))
    skewness = abs(float((((values - values.mean()) / spread) ** 3).mean()))
    freedom = max((n - 1) / 2, 1)
    error = values.std(ddof=1) / np.sqrt(n)
    return float(stdtrit(freedom, (1 + confidence) / 2) * error * (1 + skewness / 2))


@dataclass(frozen=True)
class PairedChange:
    """Relative change from one policy to another over paired replications.

    Attributes
    ----------
    mean, low, high : float
        Change and the ends of its interval; −0.33 is 33 % lower. NaN where unknown.
    n : int
        Pairs used.
    confidence : float
        Coverage of the interval.
    """

    mean: float
    low: float
    high: float
    n: int
    confidence: float

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out "no change"."""
        return bool(self.low > 0 or self.high < 0)

    @property
    def needed(self) -> float:
        """About how many replications would tell a change as large as this; inf of none."""
        half = (self.high - self.low) / 2
        return self.n * (half / self.mean) ** 2 if self.mean else np.inf

    def verdict(self, subject: str = "It") -> str:
        """Say it in a sentence, for example ``SJF's median is 31–36 % lower``.

        Parameters
        ----------
        subject : str
            What changed, as the sentence begins: ``"SJF's median"``.
        """
        if np.isnan(self.mean):
            return "No difference can be told (no pair of replications to compare)"
        if np.isnan(self.low):
            sides = f"{_percent(abs(self.mean))} % {_side(self.mean)}"
            return f"{subject} is {sides} in one replication; how far to trust it is not known"
        if not self.significant:
            level = f"{100 * self.confidence:g} %"
            ends = f"{_signed(self.low)} % to {_signed(self.high)} %"
            return f"No difference can be told ({level} interval {ends})"
        return f"{subject} is {_amount(self)} % {_side(self.mean)}"


def paired_change(before: ArrayLike, after: ArrayLike, confidence: float = 0.95) -> PairedChange:
    """Relative change after / before − 1 over replications that share their seeds.

    Each pair saw the same requests (common random numbers), so that the change of each pair varies
    less than its two values do; the interval is Student's over the pairs' changes.

    Parameters
    ----------
    before, after : array, shape (n,)
        A metric in each replication, in the same order; a pair with a NaN, or with nothing to
        compare with (before = 0), is left out.
    confidence : float
        Coverage, between 0 and 1.

    Raises
    ------
    ValueError
        When the two differ in length.

    Examples
    --------
    >>> paired_change([100, 110, 90], [66, 74, 59]).verdict("SJF's median")
    "SJF's median is 32–36 % lower"
    """
    a, b = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"after must have before's shape {a.shape}, got {b.shape}")
    known: NDArray[np.bool_] = ~np.isnan(a) & ~np.isnan(b) & (a != 0)
    changes = b[known] / a[known] - 1
    return PairedChange(*mean_interval(changes, confidence), len(changes), confidence)


def latency_verdict(change: PairedChange) -> str:
    """A latency's change in a few words: "31–36 % faster"; empty where there is none to tell."""
    if np.isnan(change.mean):
        return ""
    side = "faster" if change.mean < 0 else "slower"
    if np.isnan(change.low):
        return f"{_percent(abs(change.mean))} % {side}, unsure"
    if not change.significant:
        return "no difference can be told"
    if change.low > MANYFOLD - 1:
        ends = [
            f"{1 + end:.2g}" if end < 99 else f"{1 + end:.0f}" for end in (change.low, change.high)
        ]
        return f"{'–'.join(dict.fromkeys(ends))} times as long"
    return f"{_amount(change)} % {side}"


def _amount(change: PairedChange) -> str:
    """The ends of an interval that leaves out 0, without their sign."""
    first, last = map(_percent, sorted((abs(change.low), abs(change.high))))
    return first if first == last else f"{first}–{last}"


def _side(change: float) -> str:
    return "lower" if change < 0 else "higher"


def _percent(share: float) -> str:
    """Whole percents from 10 on, two digits below, so that no small change reads as 0."""
    percent = 100 * share
    return f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"


def _signed(share: float) -> str:
    sign = "−" if share < 0 else "+"
    return f"{sign}{_percent(abs(share))}"
