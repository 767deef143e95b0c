"""The paper's adaptive bias correction: an exponential moving average per category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from driftsched.estimation.compensators.base import Compensator, CompensatorSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["Ema", "EmaConfig"]


class Ema(Compensator):
    """bias ← (1 − α)·bias + α·clip(actual/base, low, high), per category as classified.

    DriftSched (arXiv 2606.02982), runtime drift compensation. The safety factor is not part of the
    feedback, so a tier's ±20 % stays for ever. O(1) a step.

    Parameters
    ----------
    categories : int
        How many there are; each begins at a bias of 1.
    alpha : float
        Weight of the newest observation, above 0 and up to 1.
    low, high : float
        Where observations are clipped, above 0.
    """

    def __init__(self, categories: int, alpha: float, low: float, high: float) -> None:
        self.biases = [1.0] * categories
        self.alpha, self.low, self.high = alpha, low, high

    def predict_one(self, request: Request) -> float:
        return self.biases[request.predicted]

    def learn_one(self, request: Request, ratio: float) -> float:
        low, high = self.low, self.high
        clipped = low if ratio < low else min(ratio, high)
        category = request.predicted
        bias = (1 - self.alpha) * self.biases[category] + self.alpha * clipped
        self.biases[category] = bias
        return bias


class EmaConfig(CompensatorSpec):
    """Parameters of `Ema`; the defaults are the paper's."""

    kind: Literal["ema"] = "ema"
    alpha: float = Field(0.1, gt=0, le=1, description="weight of the newest observation")
    low: float = Field(0.25, gt=0, description="observations are clipped from below here")
    high: float = Field(3.0, gt=0, description="and from above here")

    @model_validator(mode="after")
    def _ordered(self) -> EmaConfig:
        if self.high < self.low:
            raise ValueError(f"high must be >= low ({self.low:g}), got {self.high:g}")
        return self

    def build(self, categories: int) -> Compensator:
        return Ema(categories, self.alpha, self.low, self.high)
