"""The median, and the mean, of the newest answers."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import InsideSpec, corrected
from driftsched.estimation.compensators.window import ROOM, WINDOW, remember

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["WindowedMedianConfig"]


class WindowedMedianConfig(InsideSpec):
    """bias = exp(median of ln(actual/base) of the last `window` answers), per category.

    Half of the window may be anything at all without moving it far; a step is learnt once it fills
    half of the window. As mean it has the mean of the window. O(window) a step.
    """

    label = "Windowed median"
    rule = "median of actual / base in the last answers, by category"
    source = "Tukey (1971), running medians"
    state: ClassVar[Fields] = WINDOW

    kind: Literal["windowed_median"] = "windowed_median"
    window: int = Field(ROOM, ge=1, le=ROOM, description="answers that count")

    @staticmethod
    def predict(states: Levels, request: Request, p: WindowedMedianConfig) -> float:
        return corrected(median(states.category, p.window), request, p)

    @staticmethod
    def predict_mean(states: Levels, request: Request, p: WindowedMedianConfig) -> float:
        mine: Any = states.category
        total = 0.0
        kept = int(min(mine.seen, p.window))
        for place in range(kept):
            total += exp(mine.recent[place])
        return corrected(total / kept if kept > 0 else 1.0, request, p)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: WindowedMedianConfig) -> float:
        remember(states.category, log(ratio), int(p.window))
        return corrected(median(states.category, p.window), request, p)


def median(mine: Any, window: int) -> float:
    """Median of those remembered; 1 of none."""
    kept = int(min(mine.seen, window))
    if kept == 0:
        return 1.0
    middle = mine.ordered[(kept - 1) // 2] + mine.ordered[kept // 2]
    return exp(0.5 * middle)
