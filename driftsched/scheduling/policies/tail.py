"""Tail-aware size: an answer that may become long goes later than its estimate says."""

from __future__ import annotations

from math import erf, exp, log, sqrt
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["TailConfig"]

TAIL, TAIL_Z = 0.1, 1.2815515655446004
"""The longest tenth of the answers, and where it begins under a normal distribution."""


class TailConfig(ScorePolicy):
    """Rule: least mean length of the answer, plus `tail_weight` times that of its longest tenth.

    Such answers are taken to be log-normal with the estimate for a median, and are cut at the most
    that a request may ask for: with `tail_weight` 0 this is the shortest expected time first
    (SEPT), with more of it a maximum that cuts the tail counts for more. The sum shrinks
    by `rate` a second of waiting, so that nobody starves; the logarithm orders the same way and
    never changes: one heap, O(log n). The source fits a log-t distribution to each prompt, and
    weighs the tail more where more of them wait.
    """

    label = "Tail-aware"
    rule = "shortest by its mean and its longest tenth; less with waiting"
    source = "Tail Inflated Expectation (arXiv 2604.00499)"

    kind: Literal["tail"] = "tail"
    tail_weight: float = Field(0.3, ge=0, le=100, description="weight of the longest tenth")
    spread: float = Field(
        0.7, gt=0, le=3, description="standard deviation of ln length around the estimate"
    )
    rate: float = Field(0.0035, ge=0, le=10, description="share it loses in a second of waiting")

    @staticmethod
    def score(request: Request, p: TailConfig, now: float) -> float:
        median, most = max(request.estimated_output_tokens, 1), max(request.max_output_tokens, 1)
        mean = median * exp(p.spread * p.spread / 2)
        cut = log(most / median) / p.spread
        beyond = most * (1 - _below(cut))
        inside = mean * _below(cut - p.spread)
        tail = most * TAIL
        if cut > TAIL_Z:
            tail = inside - mean * _below(TAIL_Z - p.spread) + beyond
        return log(inside + beyond + p.tail_weight * tail / TAIL) + p.rate * request.arrival_s


def _below(z: float) -> float:
    """Share of a standard normal distribution below z."""
    return 0.5 * (1 + erf(z / sqrt(2)))
