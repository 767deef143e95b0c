"""How a published claim is judged by what the runs gave: a row of the table of claims each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from driftsched.results import PairedChange

__all__ = [
    "JUDGED",
    "NEAR_POINTS",
    "Interval",
    "Row",
    "at_most",
    "claims_frame",
    "figure",
    "percent",
    "sign",
    "within",
]

NEAR_POINTS = 10.0
"""A figure holds when ours is told apart from no change and this near to it, in percent points."""
JUDGED = (
    f"A published figure holds where our 95 % interval leaves out 0 and our mean is within "
    f"{NEAR_POINTS:g} points of it; a bound where the whole interval is at most that; a direction "
    "without a figure where the whole interval is on its side of 0."
)
COLUMNS = ["claim", "published_percent", "ours_percent", "low", "high", "holds", "explanation"]
Interval = tuple[float, float, float]
Row = tuple[str, float, float, float, float, bool, str]


def percent(change: PairedChange) -> Interval:
    """A relative change and the ends of its interval, in percent."""
    return 100 * change.mean, 100 * change.low, 100 * change.high


def figure(claim: str, published: float, ours: Interval, explanation: str) -> Row:
    """Judge a published figure: ours is told apart from 0, and near. All in percent."""
    mean, low, high = ours
    holds = (low > 0 or high < 0) and abs(mean - published) <= NEAR_POINTS
    return claim, published, mean, low, high, holds, explanation


def at_most(claim: str, most: float, ours: Interval, explanation: str) -> Row:
    """Judge a published bound: the whole interval of ours is at most that."""
    return (claim, most, *ours, ours[2] <= most, explanation)


def within(claim: str, most: float, ours: Interval, explanation: str) -> Row:
    """Judge what was published in words, by a bound of our own."""
    return (claim, math.nan, *at_most(claim, most, ours, explanation)[2:])


def sign(claim: str, side: int, ours: Interval, explanation: str) -> Row:
    """Judge a direction without a figure: ours is above 0 for sure, or below for side −1."""
    holds = ours[1] > 0 if side > 0 else ours[2] < 0
    return (claim, math.nan, *ours, holds, explanation)


def claims_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Make the table: claim, published_percent (NaN: none), ours_percent, low, high, holds, why."""
    return pd.DataFrame([*rows], columns=COLUMNS)
