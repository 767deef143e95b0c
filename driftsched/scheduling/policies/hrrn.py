"""HRRN: the highest response ratio next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["HrrnConfig"]


class HrrnConfig(ScorePolicy):
    """Rule: highest (wait + s) / s first, s the request's total token budget as estimated.

    Short requests go first, and nobody starves: the ratio of a long one grows for as long as it
    waits. Only the ratio of wait and length orders, so that the unit of s does not matter. All who
    wait are scored at each choice, O(n).
    """

    label = "HRRN"
    rule = "highest ratio of waiting to estimated length"
    source = "Brinch Hansen (1971); for LLM serving arXiv 2603.11273"
    rescored = True

    kind: Literal["hrrn"] = "hrrn"

    @staticmethod
    def score(request: Request, p: HrrnConfig, now: float) -> float:
        return -(1.0 + (now - request.arrival_s) / max(request.total_token_budget, 1))
