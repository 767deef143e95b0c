"""Bursts: a Markov-modulated Poisson process that switches between on and off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from driftsched.traffic.arrivals.base import Arrivals, FloatArray

__all__ = ["OnOff"]

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

    def faster(self, factor: float) -> Self:
        return self.model_copy(
            update={
                "on_rps": self.on_rps * factor,
                "off_rps": self.off_rps * factor,
                "on_s": self.on_s / factor,
                "off_s": self.off_s / factor,
            }
        )

    @property
    def rate(self) -> float:
        busy = self.on_rps * self.on_s + self.off_rps * self.off_s
        return busy / (self.on_s + self.off_s)
