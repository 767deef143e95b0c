"""cμ: what waiting costs by what serving takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["CmuConfig"]


class CmuConfig(ScorePolicy):
    """Rule: highest cost / estimated tokens first, and more for each second of waiting.

    A standard tenant's second costs `ratio` times a batch tenant's, a premium one's as much again.
    Without aging no order has a lower cost of waiting where lengths are known and all have come
    (Smith). All waits grow alike, so that the order never changes: one heap, O(log n).
    """

    label = "cμ"
    rule = "what waiting costs by what serving takes; rises while waiting"
    source = "Smith (1956); Cox & Smith (1961), the cμ rule"

    kind: Literal["cmu"] = "cmu"
    ratio: float = Field(2.0, ge=1, le=100, description="cost of waiting, from tier to tier")
    rate: float = Field(
        0.05, ge=0, le=1000, description="a second of waiting, as cost / 1000 tokens"
    )

    @staticmethod
    def score(request: Request, p: CmuConfig, now: float) -> float:
        cost = p.ratio * p.ratio if request.rank == 1 else p.ratio if request.rank == 2 else 1.0
        return p.rate * request.arrival_s - 1000 * cost / max(request.total_token_budget, 1)
