"""The paper's adaptive bias correction: an exponential moving average per category."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from driftsched.estimation.compensators.base import CompensatorSpec

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["EmaConfig"]


class EmaConfig(CompensatorSpec):
    """bias ← (1 − α)·bias + α·clip(actual/base, low, high), per category as classified.

    The safety factor is not part of the feedback, so a tier's ±20 % stays for ever, unless
    `inside` has the budget be base · bias alone. O(1) a step.
    The defaults are the paper's.
    """

    label = "EMA (the paper's)"
    rule = "moving average of actual / base, by category"
    source = "DriftSched (arXiv 2606.02982), runtime drift compensation"
    state: ClassVar[Fields] = {"bias": 1.0}

    kind: Literal["ema"] = "ema"
    alpha: float = Field(0.1, gt=0, le=1, description="weight of the newest observation")
    low: float = Field(0.25, gt=0, description="observations are clipped from below here")
    high: float = Field(3.0, gt=0, description="and from above here")

    inside: bool = Field(False, description="safety and input factor are inside the feedback")

    @model_validator(mode="after")
    def _ordered(self) -> EmaConfig:
        if self.high < self.low:
            raise ValueError(f"high must be >= low ({self.low:g}), got {self.high:g}")
        return self

    @staticmethod
    def predict(states: Levels, request: Request, p: EmaConfig) -> float:
        bias = states.category.bias
        return bias * request.base_tokens / request.uncorrected_estimate if p.inside else bias

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: EmaConfig) -> float:
        clipped = min(max(ratio, p.low), p.high)
        mine = states.category
        mine.bias = (1 - p.alpha) * mine.bias + p.alpha * clipped
        return mine.bias
