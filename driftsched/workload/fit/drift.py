"""Find when answers became longer or shorter for good, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from driftsched.core.arrays import Floats, Ints

LEAST = 50
"""Requests between two steps at least."""
PENALTY = 3.0
"""A step must raise twice the log-likelihood by so many times ln n."""
WIDTH = -np.log(1 - np.sqrt(0.95))
"""How far below its best the log-likelihood of a step's place is within its 95 % interval."""


@dataclass(frozen=True)
class StepFit:
    """Answers become `factor` times as long from `at_s` on, seconds since the first request.

    The ends of the 95 % intervals of both are beside them.
    """

    at_s: float
    at_low_s: float
    at_high_s: float
    factor: float
    low: float
    high: float


def fit_steps(time_s: Floats, tokens: Ints, group: Ints) -> tuple[StepFit, ...]:
    """Find steps of the answers' lengths, by binary segmentation of their logarithms.

    A factor moves ln length by the same for everybody, so lengths of different groups (tenants,
    categories) are laid over each other first, each less its own mean. A step is taken where two
    means raise the likelihood of one normal distribution by more than chance would in so many
    places (`PENALTY`: Zhang and Siegmund 2007), and each side is searched again. The interval of
    its place is the likelihood's (Siegmund 1988, "Confidence sets in change-point problems"), that
    of its factor Welch's.

    Parameters
    ----------
    time_s : float array, shape (n,)
        Ascending.
    tokens : int array, shape (n,)
        Lengths of answers, at least 1.
    group : int array, shape (n,)
        Whose they are, 0, 1, …
    """
    logs = np.log(tokens.astype(np.float64))
    level = logs - (np.bincount(group, logs) / np.maximum(np.bincount(group), 1))[group]
    ends = [0, *_places(level, 0, len(level), PENALTY * np.log(max(len(level), 2))), len(level)]
    return tuple(_step(time_s, level, *ends[n - 1 : n + 2]) for n in range(1, len(ends) - 1))


def factors(steps: tuple[StepFit, ...], time_s: Floats) -> Floats:
    """What answers are multiplied by at these times, shape (n,)."""
    found = np.ones(len(time_s))
    for step in steps:
        found[time_s >= step.at_s] *= step.factor
    return found


def _gain(level: Floats) -> Floats:
    """Twice what a step at each place adds to the log-likelihood, shape (n,); 0 at the ends."""
    n, at = len(level), np.arange(1, len(level))
    before = np.cumsum(level)[:-1]
    means = before / at, (level.sum() - before) / (n - at)
    between = at * (n - at) / n * (means[1] - means[0]) ** 2
    within = np.maximum(level.var() * n - between, 1e-12) / n
    found = np.zeros(n)
    found[1:] = between / within
    found[:LEAST] = found[n - LEAST + 1 :] = 0.0
    return found


def _places(level: Floats, start: int, end: int, least: float) -> list[int]:
    """First requests after each step, in order."""
    if end - start < 2 * LEAST:
        return []
    gain = _gain(level[start:end])
    at = start + int(gain.argmax())
    if gain.max() <= least:
        return []
    return [*_places(level, start, at, least), at, *_places(level, at, end, least)]


def _step(time_s: Floats, level: Floats, start: int, at: int, end: int) -> StepFit:
    gain = _gain(level[start:end])
    best = int(gain.argmax())
    likely = start + np.flatnonzero(gain >= gain[best] - 2 * WIDTH)
    at = start + best
    before, after = level[start:at], level[at:end]
    moved = stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    return StepFit(
        at_s=float(time_s[at]),
        at_low_s=float(time_s[max(likely[0] - 1, 0)]),
        at_high_s=float(time_s[likely[-1]]),
        factor=float(np.exp(after.mean() - before.mean())),
        low=float(np.exp(moved.low)),
        high=float(np.exp(moved.high)),
    )
