"""What every arrival process has in common: times drawn in order, a mean rate, a rate curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from driftsched.traffic.durations import Timed
from driftsched.traffic.families import FloatArray

__all__ = ["CHUNK", "Arrivals"]

CHUNK = 65_536
"""Arrivals drawn at a time. It is part of what a seed means: sums are rounded a chunk at a time."""


class Arrivals(Timed):
    """Common base: subclasses define `times` and `rate`, those whose rate changes `rate_at` too.

    A process starts at time 0. Its draws depend on the generator alone, so more requests or a
    longer duration go on with the same stream.
    """

    kind: str
    closed: ClassVar[bool] = False
    """Whether arrivals wait for answers, so that their times are not known before the run."""

    def times(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        """Yield ascending arrival times in seconds, a chunk at a time; ends where no more come."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def first(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Times in seconds of the first `n` arrivals; fewer where the process ends."""
        return self._until(rng, n, np.inf)[:n]

    def within(self, rng: np.random.Generator, duration_s: float, most: int) -> FloatArray:
        """Times of all arrivals up to and including `duration_s`; stops soon after `most`."""
        times = self._until(rng, most + CHUNK + 1, duration_s)
        return times[: int(np.searchsorted(times, duration_s, side="right"))]

    def _until(self, rng: np.random.Generator, n: int, duration_s: float) -> FloatArray:
        """Whole chunks, until `n` arrivals or `duration_s` are reached, or no more come."""
        chunks = [np.empty(0)]
        found = 0
        for chunk in self.times(rng):
            chunks.append(chunk)
            found += len(chunk)
            if found >= n or chunk[-1] > duration_s:
                break
        return np.concatenate(chunks)

    @property
    def endless(self) -> bool:
        """Whether any number of requests comes in the end."""
        return True

    @property
    def rate(self) -> float:
        """Mean arrivals a second in the long run."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def rate_at(self, time_s: FloatArray) -> FloatArray:
        """Expected arrivals a second at each time; shape of `time_s`."""
        return np.full(np.shape(time_s), self.rate)

    def expected(self, duration_s: float) -> float:
        """Expected number of arrivals in the first `duration_s` seconds."""
        return self.rate * duration_s

    @property
    def mean_gap_s(self) -> float:
        """Expected gap in seconds; inf where nothing ever comes."""
        return 1 / self.rate if self.rate > 0 else float("inf")
