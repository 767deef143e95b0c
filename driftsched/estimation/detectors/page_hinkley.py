"""Page-Hinkley: errors that add up to one side of their own mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.detectors.base import DetectorSpec

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields, State

__all__ = ["PageHinkleyConfig"]


class PageHinkleyConfig(DetectorSpec):
    """An alarm where Σ(x − x̄ − δ), or Σ(x̄ − x − δ), is λ above its least value so far.

    x = ln(actual / estimated), x̄ its mean since the last alarm, so that an estimate that aims
    elsewhere than at the median gives none. What is off by Δ > δ is found after λ / (Δ − δ)
    answers, about; where lengths spread more, λ must be larger. O(1) a step.
    """

    label = "Page-Hinkley"
    rule = "errors add up to one side of their mean"
    source = "Page (1954); Hinkley (1971); with burn-in and both sides as in river"
    state: ClassVar[Fields] = {"seen": 0.0, "mean": 0.0, "rise": 0.0, "fall": 0.0}

    kind: Literal["page_hinkley"] = "page_hinkley"
    delta: float = Field(
        0.15, ge=0, le=10, description="change of ln(actual / estimated) that does not count"
    )
    threshold: float = Field(15.0, gt=0, le=1e6, description="sum of the rest that is an alarm")
    wait: int = Field(30, ge=0, le=10**6, description="first answers, which are not looked at")

    @staticmethod
    def update(state: State, error: float, p: PageHinkleyConfig) -> bool:
        state.seen += 1
        known = state.seen - p.wait
        if known <= 0:
            return False
        state.mean += (error - state.mean) / known
        apart = error - state.mean
        state.rise = max(0.0, state.rise + apart - p.delta)
        state.fall = max(0.0, state.fall - apart - p.delta)
        return bool(max(state.rise, state.fall) > p.threshold)
