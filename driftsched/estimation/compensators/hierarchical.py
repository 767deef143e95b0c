"""A Kalman filter of the log ratio by levels: what holds for all is learnt from all."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from driftsched.estimation.compensators.base import InsideSpec, corrected
from driftsched.estimation.compensators.sums import SUMS, add_up, scaled

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields, State
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["HierarchicalConfig"]

ALL, CATEGORY, TENANT, PAIR, SLOPE = 0.25, 0.16, 0.06, 0.01, 0.04
"""Variances of the levels of ln(actual / base) before anything was learnt."""

FARTHEST = 2.5  # standard deviations that one answer may seem to be off
ALARM, SLACK = 7.0, 0.5  # of the CUSUM, in standard deviations


class HierarchicalConfig(InsideSpec):
    """ln(actual / base) = all + category + tenant + both + slope · (ln prompt − centre) + noise.

    Slope, centre and noise are the category's. Each level wanders, and has a variance of its own:
    an error is shared out to the levels by what is not yet known of them (Kalman, the levels taken
    as independent), so that a new tenant begins where its category is, and a drift of all is learnt
    from all. Errors beyond 2.5 standard deviations are clipped. Where errors keep one sign (CUSUM,
    of all and of a category), the level is taken as unknown again. O(1) a step, whatever the
    tenants.

    *Typical*, the exponential is moved to the median of what it missed. As *mean* it is scaled to
    the category's sums, and mixed with their slow average by what each missed (fixed share).
    """

    label = "Hierarchical"
    rule = "what all, a category, a tenant and long prompts have in common, each learnt apart"
    source = (
        "West & Harrison (1997), dynamic linear models; Page (1954), CUSUM; Herbster & Warmuth "
        "(1998), fixed share"
    )
    state: ClassVar[Fields] = {
        "level": 0.0,
        "spread": 1.0,  # its variance, as a multiple of the first
        "rise": 0.0,
        "fall": 0.0,
        "slope": 0.0,
        "slope_spread": 1.0,
        "centre": 0.0,
        "seen": 0.0,
        "noise": 0.35,  # variance
        "shift": 0.0,
        "miss": 0.3,
        **SUMS,
        "average": 1.0,
        "trust": 0.5,
        "mean_miss": 1.0,
    }

    kind: Literal["hierarchical"] = "hierarchical"
    drift: float = Field(
        3e-4,
        gt=0,
        le=1,
        description="variance by which the level of all wanders, as a share of the noise's",
    )

    @staticmethod
    def predict(states: Levels, request: Request, p: HierarchicalConfig) -> float:
        return bias_of(states, request, p)

    @staticmethod
    def predict_mean(states: Levels, request: Request, p: HierarchicalConfig) -> float:
        mean = mean_ratio(states.category, exp(log_ratio(states, request)))
        return corrected(mean, request, p)

    @staticmethod
    def learn_mean(states: Levels, request: Request, ratio: float, p: HierarchicalConfig) -> None:
        learn_sums(states.category, exp(log_ratio(states, request)), ratio)

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: HierarchicalConfig) -> float:
        every, mine = states.all, states.category
        apart = off_centre(mine, request)
        error = log(ratio) - log_ratio(states, request)
        mine.seen += 1
        learn_median(mine, error)
        spreads = ALL * every.spread + CATEGORY * mine.spread + TENANT * states.tenant.spread
        spreads += PAIR * states.pair.spread + SLOPE * mine.slope_spread * apart * apart
        total = mine.noise + spreads
        step = min(max(error, -FARTHEST * sqrt(total)), FARTHEST * sqrt(total)) / total
        wander = p.drift * mine.noise if ALL * every.spread < 1 else 0.0
        gain = SLOPE * mine.slope_spread * apart
        mine.slope += gain * step
        mine.slope_spread *= 1 - gain * apart / total
        move(every, ALL, step, total, wander)
        move(mine, CATEGORY, step, total, 0.5 * wander)
        move(states.tenant, TENANT, step, total, 0.25 * wander)
        move(states.pair, PAIR, step, total, 0.05 * wander)
        rate = max(0.01, 1 / (mine.seen + 10))
        mine.noise += rate * (min(error * error, 6 * mine.noise) - mine.noise)
        mine.noise = max(mine.noise, 0.0025)
        sign = min(max(error / sqrt(mine.noise), -FARTHEST), FARTHEST)
        watch(every, ALL, sign)
        watch(mine, CATEGORY, sign)
        if mine.seen < 1000:
            mine.centre += (log(max(request.prompt_length, 1)) - mine.centre) / mine.seen
        return bias_of(states, request, p)


def bias_of(states: Levels, request: Request, p: HierarchicalConfig) -> float:
    """The typical estimate's bias."""
    ratio = exp(log_ratio(states, request))
    return corrected(ratio * exp(states.category.shift), request, p)


def off_centre(mine: State, request: Request) -> float:
    """Logarithm of the prompt's length, from the mean of those seen."""
    return log(max(request.prompt_length, 1)) - mine.centre if mine.seen > 0 else 0.0


def log_ratio(states: Levels, request: Request) -> float:
    """Sum of the levels."""
    levels = states.all.level + states.category.level + states.tenant.level + states.pair.level
    return levels + states.category.slope * off_centre(states.category, request)


def mean_ratio(mine: State, ratio: float) -> float:
    """Estimate of the mean: the ratio scaled to the category's sums, mixed with their average."""
    return mine.trust * scaled(mine, ratio) + (1 - mine.trust) * mine.average


def move(state: State, first: float, step: float, total: float, wander: float) -> None:
    """Move a level by its part of an error, `step` times its variance; it wanders on."""
    variance = first * state.spread
    state.level += variance * step
    state.spread = (variance * (1 - variance / total) + wander) / first


def watch(state: State, first: float, sign: float) -> None:
    """Take a level as unknown again whose errors keep one sign."""
    state.rise = max(0.0, state.rise + sign - SLACK)
    state.fall = max(0.0, state.fall - sign - SLACK)
    if state.rise > ALARM or state.fall > ALARM:
        state.rise = 0.0
        state.fall = 0.0
        if first * state.spread < 0.5:
            state.spread += 0.25 / first


def learn_median(mine: State, error: float) -> None:
    """Move the shift towards the median of the errors, in steps of their usual size."""
    mine.miss += max(0.02, 1 / mine.seen) * (abs(error) - mine.miss)
    side = 1.0 if error > mine.shift else -1.0
    mine.shift += max(0.005, 0.3 / sqrt(mine.seen)) * mine.miss * side


def learn_sums(mine: State, expected: float, ratio: float) -> None:
    """Keep sums and average, and say which of the two is nearer; before the answer is counted."""
    sums = scaled(mine, expected)
    mixed = mine.trust * sums + (1 - mine.trust) * mine.average
    mine.mean_miss += max(0.02, 1 / (mine.seen + 1)) * (abs(ratio - mixed) - mine.mean_miss)
    unit = mine.mean_miss * mine.mean_miss + 1e-9
    scaled_loss = min((ratio - sums) * (ratio - sums) / unit, 36.0)
    average_loss = min((ratio - mine.average) * (ratio - mine.average) / unit, 36.0)
    odds = mine.trust * exp(-0.05 * scaled_loss)
    against = (1 - mine.trust) * exp(-0.05 * average_loss)
    mine.trust = 0.002 + 0.996 * odds / (odds + against)
    add_up(mine, expected, ratio)
    mine.average += 0.03 * (ratio - mine.average)
