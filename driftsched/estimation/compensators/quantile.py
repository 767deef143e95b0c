"""A quantile followed online: the median, or a bound that holds as often as is asked."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import CompensatorSpec

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["QuantileConfig"]


class QuantileConfig(CompensatorSpec):
    """level ← level + step · size · (share − [ln(actual/base) ≤ level]), per category.

    The step is a share of the usual distance from the median. Whatever the lengths do, in the long
    run a share of them stays below: a step up and a step down must cancel. O(1) a step.
    """

    label = "Quantile"
    rule = "a quantile of actual / base followed step by step, by category"
    source = "Gibbs & Candès (2021), adaptive conformal inference; pinball loss, Koenker (1978)"
    state: ClassVar[Fields] = {"level": 0.0, "size": 0.3, "seen": 0.0}

    kind: Literal["quantile"] = "quantile"
    share: float = Field(0.5, gt=0, lt=1, description="of answers that are to be no longer")
    step: float = Field(0.1, gt=0, le=1, description="as a share of the usual distance")

    @staticmethod
    def predict(states: Levels, request: Request, p: QuantileConfig) -> float:
        return exp(states.category.level)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: QuantileConfig) -> float:
        mine = states.category
        error = log(ratio) - mine.level
        mine.seen += 1
        mine.size += max(0.02, 1 / mine.seen) * (min(abs(error), 5.0) - mine.size)
        # Faster at first, so that a base that is far off is soon left.
        step = max(p.step, 1 / mine.seen) * mine.size
        mine.level += step * (p.share - (0.0 if error > 0 else 1.0))
        return exp(mine.level)
