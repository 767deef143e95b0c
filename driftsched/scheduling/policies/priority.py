"""Priority: strict tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["PriorityConfig"]


class PriorityConfig(ScorePolicy):
    """Rule: premium before standard before batch, FIFO inside a tier; lower tiers can starve.

    O(log n). Without preemption this is Cobham's queue.
    """

    label = "Priority"
    rule = "premium before standard before batch"
    source = "DriftSched (arXiv 2606.02982); Cobham (1954)"

    kind: Literal["priority"] = "priority"

    @staticmethod
    def score(request: Request, p: PriorityConfig, now: float) -> float:
        return request.rank
