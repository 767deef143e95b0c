"""Least KV share: where budgets take the smallest part of the KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["LeastKvShareConfig"]


class LeastKvShareConfig(RouterSpec):
    """Rule: least (budgets not ended + this one) / KV cache.

    Where replicas differ it fills them in proportion to their memory; where they are alike it
    is the rule of least estimated tokens.
    """

    label = "Least KV share"
    rule = "least share of its KV cache spoken for"
    source = "the KV cache scorer of the Gateway API inference extension"

    kind: Literal["least_kv_share"] = "least_kv_share"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: LeastKvShareConfig) -> float:
        return (replica.tokens + request.total_token_budget) / max(replica.capacity_tokens, 1)
