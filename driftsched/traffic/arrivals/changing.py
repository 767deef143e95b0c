"""Rates that change with time: on-off bursts, a daily curve, curves through given points.

Arrivals of the curves are those of a process of rate 1, moved to where the expected number of
arrivals so far reaches theirs (inversion). With cv 1 that is the inhomogeneous Poisson process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from driftsched.traffic.arrivals.base import CHUNK, Arrivals
from driftsched.traffic.families import FloatArray, unit_gaps

__all__ = ["Diurnal", "OnOff", "Piecewise"]

NEWTON_STEPS = 12
GRID = 1024
MAX_POINTS = 10_000
POINTS = 4096
CYCLES = 4096
LEAST_PER_CYCLE = 0.01


class OnOff(Arrivals):
    """Poisson arrivals at `on_rps` in bursts of mean length `on_s`, at `off_rps` in between.

    Both lengths are exponential (a two-state MMPP); the process starts in its stationary state.
    """

    kind: Literal["mmpp"] = "mmpp"
    on_rps: float = Field(gt=0, description="rate in a burst")
    off_rps: float = Field(0.0, ge=0, description="rate between bursts")
    on_s: float = Field(gt=0, le=10_000_000, description="mean length of a burst")
    off_s: float = Field(gt=0, le=10_000_000, description="mean pause between bursts")

    @model_validator(mode="after")
    def _not_too_fast(self) -> OnOff:
        each = self.rate * (self.on_s + self.off_s)
        if each < LEAST_PER_CYCLE:
            raise ValueError(
                f"a burst and a pause must bring >= {LEAST_PER_CYCLE:g} requests on average, "
                f"got {each:.3g}"
            )
        return self

    def times(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        states, points = rng.spawn(2)
        on_first = states.random() < self.on_s / (self.on_s + self.off_s)
        pair = [(self.on_s, self.on_rps), (self.off_s, self.off_rps)]
        lengths, rates = map(np.array, zip(*(pair if on_first else pair[::-1]), strict=True))
        start = np.zeros(1)  # of each stay in a state; the last one is open
        passed = np.zeros(1)  # expected arrivals before it
        now = 0.0
        while True:
            unit = now + np.cumsum(points.exponential(1.0, POINTS))
            now = float(unit[-1])
            first = 2 * ((np.searchsorted(passed, unit[0], side="right") - 1) // 2)
            start, passed = start[first:], passed[first:]
            while passed[-1] <= now:
                stays = (states.exponential(1.0, (CYCLES, 2)) * lengths).ravel()
                start = np.append(start, start[-1] + np.cumsum(stays))
                more = np.cumsum(stays * np.tile(rates, CYCLES))
                passed = np.append(passed, passed[-1] + more)
            at = np.searchsorted(passed, unit, side="right") - 1
            yield start[at] + (unit - passed[at]) / rates[at % 2]

    @property
    def rate(self) -> float:
        busy = self.on_rps * self.on_s + self.off_rps * self.off_s
        return busy / (self.on_s + self.off_s)


class _Curve(Arrivals):
    """Common base; subclasses define `_passed_at` and its inverse `_when`."""

    cv: float = Field(1.0, gt=0, le=50, description="1 is Poisson, more makes bursts")

    def _passed_at(self, time_s: FloatArray) -> FloatArray:
        """Expected arrivals up to each time."""
        raise NotImplementedError  # pragma: no cover - both kinds define it

    def _when(self, passed: FloatArray) -> FloatArray:
        """Times at which the expected arrivals reach `passed`; inf where they never do."""
        raise NotImplementedError  # pragma: no cover - both kinds define it

    def times(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        now = 0.0
        while True:
            unit = now + np.cumsum(unit_gaps(self.cv).sample(rng, CHUNK))
            now = float(unit[-1])
            times = self._when(unit)
            last = int(np.searchsorted(times, math.inf))
            if last:
                yield times[:last]
            if last < len(times):
                return

    def expected(self, duration_s: float) -> float:
        return float(self._passed_at(np.array([duration_s]))[0])


class Diurnal(_Curve):
    """A daily curve: base_rps · (1 + amplitude · cos(2π (t − peak_s) / period_s))."""

    kind: Literal["diurnal"] = "diurnal"
    base_rps: float = Field(gt=0, description="mean rate")
    amplitude: float = Field(0.5, ge=0, le=1, description="share of the base that comes and goes")
    period_s: float = Field(86_400.0, gt=0, le=10_000_000)
    peak_s: float = Field(0.0, ge=0, le=10_000_000, description="time of the first peak")

    def rate_at(self, time_s: FloatArray) -> FloatArray:
        turn = 2 * np.pi * (time_s - self.peak_s) / self.period_s
        return self.base_rps * (1 + self.amplitude * np.cos(turn))

    def _passed_at(self, time_s: FloatArray) -> FloatArray:
        wide = self.amplitude * self.period_s / (2 * np.pi)
        turn = 2 * np.pi / self.period_s
        swing = np.sin(turn * (time_s - self.peak_s)) + math.sin(turn * self.peak_s)
        return self.base_rps * (time_s + wide * swing)

    def _when(self, passed: FloatArray) -> FloatArray:
        # Within a period: a cell of the grid, then Newton's steps kept inside it.
        periods, rest = np.divmod(passed, self.base_rps * self.period_s)
        grid = np.linspace(0, self.period_s, GRID + 1)
        known = self._passed_at(grid)
        cell = np.clip(np.searchsorted(known, rest, side="right") - 1, 0, GRID - 1)
        low, high = grid[cell], grid[cell + 1]
        time_s = np.interp(rest, known, grid)
        for _ in range(NEWTON_STEPS):
            slope = np.maximum(self.rate_at(time_s), 1e-12 * self.base_rps)
            time_s = np.clip(time_s - (self._passed_at(time_s) - rest) / slope, low, high)
        return np.maximum.accumulate(periods * self.period_s + time_s)

    @property
    def rate(self) -> float:
        return self.base_rps


class Piecewise(_Curve):
    """A rate through given points: held from each to the next (steps), or in straight lines.

    After the last point its rate goes on; with `repeat` the curve starts again there.
    """

    kind: Literal["piecewise"] = "piecewise"
    times_s: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (0.0, 60.0), min_length=2, max_length=MAX_POINTS, description="ascending, the first is 0"
    )
    rates_rps: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (1.0, 5.0), min_length=2, max_length=MAX_POINTS, description="one a time"
    )
    shape: Literal["steps", "linear"] = "steps"
    repeat: bool = Field(False, description="start again at the last time")

    @model_validator(mode="after")
    def _curve(self) -> Piecewise:
        times, rates = self.times_s, self.rates_rps
        if len(times) != len(rates):
            raise ValueError(
                f"rates_rps must be as many as times_s ({len(times)}), got {len(rates)}"
            )
        if times[0] != 0 or any(b <= a for a, b in pairwise(times)):
            raise ValueError(f"times_s must ascend from 0, got {list(times)}")
        if self.rate <= 0:
            raise ValueError(f"rates_rps must not all be 0, got {list(rates)}")
        return self

    def _knots(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Times, rates there, slopes after, expected arrivals before."""
        times, rates = np.array(self.times_s), np.array(self.rates_rps)
        width = np.diff(times)
        if self.shape == "steps":
            slope = np.zeros(len(times))
            area = width * rates[:-1]
        else:
            slope = np.append(np.diff(rates) / width, 0.0)
            area = width * (rates[1:] + rates[:-1]) / 2
        return times, rates, slope, np.append(0.0, np.cumsum(area))

    def _folded(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Whole repetitions before each time, and the time in its own."""
        if not self.repeat:
            return np.zeros(np.shape(time_s)), time_s
        return np.divmod(time_s, self.times_s[-1])

    def rate_at(self, time_s: FloatArray) -> FloatArray:
        times, rates, slope, _ = self._knots()
        rest = self._folded(np.asarray(time_s, dtype=np.float64))[1]
        at = np.searchsorted(times, rest, side="right") - 1
        return np.asarray(rates[at] + slope[at] * (rest - times[at]))

    def _passed_at(self, time_s: FloatArray) -> FloatArray:
        times, rates, slope, passed = self._knots()
        turns, rest = self._folded(time_s)
        at = np.searchsorted(times, rest, side="right") - 1
        since = rest - times[at]
        within = since * (rates[at] + slope[at] * since / 2)
        return np.asarray(turns * passed[-1] + passed[at] + within)

    def _when(self, passed: FloatArray) -> FloatArray:
        times, rates, slope, known = self._knots()
        turns = np.zeros(len(passed))
        if self.repeat:
            turns, passed = np.divmod(passed, known[-1])
        at = np.searchsorted(known, passed, side="right") - 1
        if self.repeat:
            at = np.minimum(at, len(times) - 2)
        wanted = passed - known[at]
        rate, bend = rates[at], slope[at]
        root = np.sqrt(np.maximum(rate * rate + 2 * bend * wanted, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            since = np.where(rate + root > 0, 2 * wanted / (rate + root), math.inf)
        ends = np.append(times[1:], math.inf)[at] - times[at]
        return np.maximum.accumulate(turns * times[-1] + times[at] + np.minimum(since, ends))

    @property
    def endless(self) -> bool:
        return self.repeat or self.rates_rps[-1] > 0

    @property
    def rate(self) -> float:
        """Mean over the span of the points."""
        times, _, _, passed = self._knots()
        return float(passed[-1] / times[-1])
