"""SJF: the shortest job first, by its estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["SjfConfig"]


class SjfConfig(ScorePolicy):
    """Rule: least total token budget as estimated at arrival, never re-estimated. O(log n).

    The safety factor is part of the budget, so that a tenant with a high one is served later.
    """

    label = "SJF"
    rule = "shortest job first, by its estimated length"
    source = "DriftSched (arXiv 2606.02982)"

    kind: Literal["sjf"] = "sjf"

    @staticmethod
    def score(request: Request, p: SjfConfig, now: float) -> float:
        return request.total_token_budget
