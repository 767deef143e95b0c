"""CUSUM: errors that keep one sign, in units of their own spread."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.detectors.base import DetectorSpec

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields, State

__all__ = ["CusumConfig"]

FARTHEST = 2.5  # standard deviations that one answer counts for at most


class CusumConfig(DetectorSpec):
    """An alarm where Σ(z − slack), or Σ(−z − slack), never below 0, goes over the threshold.

    z = (x − x̄) / s with x = ln(actual / estimated) and the mean and standard deviation of those
    seen since the last alarm, begun as if ten had been seen before (0 and .6), so that nothing need
    be known of the lengths. O(1) a step.
    """

    label = "CUSUM"
    rule = "errors keep one sign, counted in standard deviations"
    source = "Page (1954); self-starting: Hawkins (1987)"
    state: ClassVar[Fields] = {
        "seen": 0.0,
        "mean": 0.0,
        "variance": 0.36,
        "rise": 0.0,
        "fall": 0.0,
    }

    kind: Literal["cusum"] = "cusum"
    slack: float = Field(0.5, ge=0, le=10, description="standard deviations that do not count")
    threshold: float = Field(8.0, gt=0, le=1e6, description="sum of the rest that is an alarm")
    wait: int = Field(30, ge=0, le=10**6, description="first answers, which are not looked at")

    @staticmethod
    def update(state: State, error: float, p: CusumConfig) -> bool:
        state.seen += 1
        known = state.seen - p.wait
        if known <= 0:
            return False
        apart = error - state.mean
        sign = min(max(apart / sqrt(state.variance), -FARTHEST), FARTHEST)
        state.mean += apart / (known + 10)
        state.variance += (apart * apart - state.variance) / (known + 10)
        state.rise = max(0.0, state.rise + sign - p.slack)
        state.fall = max(0.0, state.fall - sign - p.slack)
        return bool(max(state.rise, state.fall) > p.threshold)
