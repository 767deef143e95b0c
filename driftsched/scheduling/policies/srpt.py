"""SRPT: the shortest remaining processing time first, by estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["SrptConfig"]


class SrptConfig(ScorePolicy):
    """Rule: least estimated tokens to come first; a running request gives way to a shorter one.

    With exact lengths, one request at a time and free interruptions no policy has a lower mean
    latency (Schrage). Here what was interrupted is computed again, so that one whose answer has
    reached `limit` of its estimate is not interrupted any more. O(log n), and O(batch) where
    somebody might give way.
    """

    label = "SRPT"
    rule = "fewest estimated tokens to come; running ones give way"
    source = "Schrage (1968); limit of preemption: TRAIL (arXiv 2410.01035)"
    preempts = True

    kind: Literal["srpt"] = "srpt"
    limit: float = Field(
        0.8, ge=0, le=1, description="share of its estimate from which an answer is not interrupted"
    )

    @staticmethod
    def score(request: Request, p: SrptConfig, now: float) -> float:
        given = request.generated_tokens
        if given > 0 and given >= p.limit * request.estimated_output_tokens:
            return -1.0
        return max(request.total_token_budget + request.revision_tokens - given, 0)
