"""A Kalman filter of the log ratio that finds its own speed."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import InsideSpec, corrected
from driftsched.estimation.compensators.sums import SUMS, add_up, scaled

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["KalmanConfig"]

LEAST, MOST = 1e-5, 0.3
"""Of the wander, as a share of the noise."""


class KalmanConfig(InsideSpec):
    """ln(actual/base) = level + noise, per category; how far the level wanders is learnt.

    Errors that follow each other are uncorrelated in a filter of the right speed. So the wander
    grows where they keep their sign, and shrinks where they change it: a step is followed fast, and
    steady lengths are averaged over long. *Typical*, the median exp(level), which the *mean* is
    scaled from by the category's sums. O(1) a step.
    """

    label = "Kalman"
    rule = "level of ln(actual / base), as fast as its errors ask for, by category"
    source = "Kalman (1960); variances from the errors' correlation: Mehra (1970)"
    state: ClassVar[Fields] = {
        "level": 0.0,
        "spread": 0.5,
        "noise": 0.35,
        "wander": 1e-3,
        "last": 0.0,
        "seen": 0.0,
        **SUMS,
    }

    kind: Literal["kalman"] = "kalman"
    rate: float = Field(0.05, ge=0, le=1, description="by which an error changes ln of the wander")

    @staticmethod
    def predict(states: Levels, request: Request, p: KalmanConfig) -> float:
        return corrected(exp(states.category.level), request, p)

    @staticmethod
    def predict_mean(states: Levels, request: Request, p: KalmanConfig) -> float:
        mine = states.category
        return corrected(scaled(mine, exp(mine.level)), request, p)

    @staticmethod
    def learn_mean(states: Levels, request: Request, ratio: float, p: KalmanConfig) -> None:
        add_up(states.category, exp(states.category.level), ratio)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: KalmanConfig) -> float:
        mine = states.category
        error = log(ratio) - mine.level
        mine.seen += 1
        mine.spread += mine.wander * mine.noise
        total = mine.spread + mine.noise
        same = min(max(error * mine.last / total, -1.0), 1.0)
        mine.wander = min(max(mine.wander * exp(p.rate * same), LEAST), MOST)
        gain = mine.spread / total
        mine.level += gain * error
        mine.spread *= 1 - gain
        explained = error * error * mine.noise / total
        mine.noise += max(0.01, 1 / (mine.seen + 10)) * (
            min(explained, 6 * mine.noise) - mine.noise
        )
        mine.noise = max(mine.noise, 0.0025)
        mine.last = error
        return corrected(exp(mine.level), request, p)
