"""Recursive least squares: the log ratio as a line over the prompt's length."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import InsideSpec, corrected
from driftsched.estimation.compensators.sums import SUMS, add_up, scaled

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields, State
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["RlsConfig"]

USUAL = 5.0  # ln of a usual prompt's length: only the beginning depends on it
FIRST = 1.6  # sum of the variances of level and slope at the beginning, the noise's being 1


class RlsConfig(InsideSpec):
    """ln(actual/base) = level + slope · ln prompt, per category and tenant, old answers forgotten.

    The exact least squares of all answers so far, each worth `forgetting` times the next one. Where
    prompts tell little, forgetting would let the variances grow without end: none happens while
    they are as at the beginning. *Typical*, the median, which the *mean* is scaled from
    by the category's sums. O(1) a step.
    """

    label = "RLS"
    rule = "least squares of ln(actual / base) over ln prompt, by category and tenant"
    source = "Plackett (1950); forgetting: Ljung & Söderström (1983), section 2.6"
    state: ClassVar[Fields] = {
        "level": 0.0,
        "slope": 0.0,
        "spread": 1.5,
        "slope_spread": 0.1,
        "common": 0.0,
        **SUMS,
    }

    kind: Literal["rls"] = "rls"
    forgetting: float = Field(0.99, gt=0.5, le=1, description="worth of an answer by the next one")

    @staticmethod
    def predict(states: Levels, request: Request, p: RlsConfig) -> float:
        return corrected(exp(line(states.pair, request)), request, p)

    @staticmethod
    def predict_mean(states: Levels, request: Request, p: RlsConfig) -> float:
        return corrected(scaled(states.category, exp(line(states.pair, request))), request, p)

    @staticmethod
    def learn_mean(states: Levels, request: Request, ratio: float, p: RlsConfig) -> None:
        add_up(states.category, exp(line(states.pair, request)), ratio)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: RlsConfig) -> float:
        mine, apart = states.pair, off_usual(request)
        error = log(ratio) - line(mine, request)
        kept = p.forgetting if mine.spread + mine.slope_spread < FIRST else 1.0
        level, slope = mine.spread + mine.common * apart, mine.common + mine.slope_spread * apart
        total = kept + level + slope * apart
        mine.level += level * error / total
        mine.slope += slope * error / total
        mine.spread = (mine.spread - level * level / total) / kept
        mine.common = (mine.common - level * slope / total) / kept
        mine.slope_spread = (mine.slope_spread - slope * slope / total) / kept
        return corrected(exp(line(mine, request)), request, p)


def off_usual(request: Request) -> float:
    """Logarithm of the prompt's length, from that of a usual one."""
    return log(max(request.prompt_length, 1)) - USUAL


def line(mine: State, request: Request) -> float:
    """Estimate of ln(actual/base), within what a bias may be."""
    return min(max(mine.level + mine.slope * off_usual(request), -12.0), 12.0)
