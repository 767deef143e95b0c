"""Adaptive conformal inference: a bound that holds as often as is asked, whatever drifts."""

from __future__ import annotations

from math import ceil, exp, log
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import InsideSpec, corrected
from driftsched.estimation.compensators.window import ROOM, WINDOW, remember

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["ConformalConfig"]


class ConformalConfig(InsideSpec):
    """The (1 − α)-quantile of ln(actual/base) in the last `window` answers, per category.

    α ← α + step · (1 − share − [the answer was above its bound]): each miss widens the bound, so
    that in the long run `share` of the answers stay below it, drift or not. The quantile is the
    ⌈(1 − α)(n + 1)⌉-th of n; where that is more than there are, the longest. An upper bound, no
    typical length. O(window) a step.
    """

    label = "Conformal bound"
    rule = "a quantile of the last answers, raised when it was missed, by category"
    source = "Gibbs & Candès (2021), adaptive conformal inference, eq. 2"
    state: ClassVar[Fields] = {**WINDOW, "level": 0.0, "slip": 0.0}

    kind: Literal["conformal"] = "conformal"
    share: float = Field(0.9, gt=0, lt=1, description="of answers that are to be no longer")
    step: float = Field(0.05, ge=0, le=1, description="by which a miss moves α")
    window: int = Field(50, ge=1, le=ROOM, description="answers that count")

    @staticmethod
    def predict(states: Levels, request: Request, p: ConformalConfig) -> float:
        return corrected(exp(states.category.level), request, p)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: ConformalConfig) -> float:
        mine: Any = states.category
        bound = request.uncorrected_estimate * request.bias
        missed = 1.0 if request.output_length > bound else 0.0
        mine.slip += p.step * (1 - p.share - missed)
        # From one end of the window to the other: what is beyond would have to be undone.
        mine.slip = min(max(mine.slip, p.share - 1), p.share)
        kept = remember(mine, log(ratio), int(p.window))
        rank = ceil((p.share - mine.slip) * (kept + 1))
        mine.level = mine.ordered[min(max(rank, 1), kept) - 1]
        return corrected(exp(mine.level), request, p)
