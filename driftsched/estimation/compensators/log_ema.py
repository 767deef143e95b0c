"""A moving average of the logarithm: halving and doubling weigh the same."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import CompensatorSpec

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["LogEmaConfig"]


class LogEmaConfig(CompensatorSpec):
    """level ← (1 − α)·level + α·ln(actual/base), bias = exp(level), per category as classified.

    It learns the geometric mean, for lognormal lengths the median: smaller absolute errors than the
    paper's step, and sums that run low. Nothing needs to be clipped. O(1) a step.
    """

    label = "Log EMA"
    rule = "moving average of ln(actual / base), by category"
    source = "Brown (1959), exponential smoothing, on the log scale"
    state: ClassVar[Fields] = {"level": 0.0}

    kind: Literal["log_ema"] = "log_ema"
    alpha: float = Field(0.1, gt=0, le=1, description="weight of the newest observation")

    @staticmethod
    def predict(states: Levels, request: Request, p: LogEmaConfig) -> float:
        return exp(states.category.level)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: LogEmaConfig) -> float:
        mine = states.category
        mine.level = (1 - p.alpha) * mine.level + p.alpha * log(ratio)
        return exp(mine.level)
