"""Aging Priority: tiers, softened by waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["AgingConfig"]


class AgingConfig(ScorePolicy):
    """Rule: lowest rank − rate · wait first.

    All waits grow alike, so rank + rate · arrival orders the same way and never changes: one heap,
    O(log n), no rescoring. A tier is passed after 1/rate seconds of additional waiting.
    """

    label = "Aging"
    rule = "priority that rises while waiting"
    source = "DriftSched (arXiv 2606.02982)"

    kind: Literal["aging"] = "aging"
    rate: float = Field(0.01, ge=0, le=1000, description="ranks a second of waiting is worth")

    @staticmethod
    def score(request: Request, p: AgingConfig, now: float) -> float:
        return request.rank + p.rate * request.arrival_s
