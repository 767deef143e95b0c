"""Moving averages of several speeds, mixed by what each has missed."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import InsideSpec, corrected
from driftsched.estimation.compensators.sums import SUMS, add_up, scaled

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["FixedShareConfig"]

SPEEDS = 7
"""Weights of the newest answer: .4, .2, .1, …"""


class FixedShareConfig(InsideSpec):
    """ln bias = Σ trust · level over seven moving averages of ln(actual/base), per category.

    trust ← trust · exp(−η·(error / usual error)²), then `share` of it is spread over all, so that
    whoever is best after a change is trusted soon. No speed need be chosen. *Typical*, the median,
    which the *mean* is scaled from by the category's sums. O(speeds) a step.
    """

    label = "Fixed share"
    rule = "moving averages of seven speeds, trusted by what they missed, by category"
    source = "Herbster & Warmuth (1998), fixed share, fig. 1"
    state: ClassVar[Fields] = {
        "levels": (0.0,) * SPEEDS,
        "trusts": (1 / SPEEDS,) * SPEEDS,
        "noise": 0.35,
        "seen": 0.0,
        **SUMS,
    }

    kind: Literal["fixed_share"] = "fixed_share"
    eta: float = Field(0.2, ge=0, le=10, description="by which a usual miss lowers ln of the trust")
    share: float = Field(0.01, ge=0, le=1, description="of the trust, spread over all each time")

    @staticmethod
    def predict(states: Levels, request: Request, p: FixedShareConfig) -> float:
        return corrected(exp(mixed(states.category)), request, p)

    @staticmethod
    def predict_mean(states: Levels, request: Request, p: FixedShareConfig) -> float:
        mine = states.category
        return corrected(scaled(mine, exp(mixed(mine))), request, p)

    @staticmethod
    def learn_mean(states: Levels, request: Request, ratio: float, p: FixedShareConfig) -> None:
        add_up(states.category, exp(mixed(states.category)), ratio)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: FixedShareConfig) -> float:
        mine: Any = states.category
        seen = log(ratio)
        error = seen - mixed(mine)
        mine.seen += 1
        rate = max(0.01, 1 / (mine.seen + 10))
        mine.noise = max(mine.noise + rate * (error * error - mine.noise), 0.0025)
        total, weight = 0.0, 0.4
        for speed in range(SPEEDS):
            miss = seen - mine.levels[speed]
            mine.trusts[speed] *= exp(-p.eta * min(miss * miss / mine.noise, 36.0))
            total += mine.trusts[speed]
            mine.levels[speed] += max(weight, 1 / mine.seen) * miss
            weight *= 0.5
        for speed in range(SPEEDS):
            mine.trusts[speed] = (1 - p.share) * mine.trusts[speed] / total + p.share / SPEEDS
        return corrected(exp(mixed(mine)), request, p)


def mixed(mine: Any) -> float:
    """Sum of the levels, by trust."""
    total = 0.0
    for speed in range(SPEEDS):
        total += mine.trusts[speed] * mine.levels[speed]
    return total
