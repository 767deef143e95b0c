"""Least KV share: where requests are thought to take the smallest part of the KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["LeastKvShareConfig"]


class LeastKvShareConfig(RouterSpec):
    """Rule: least (mean tokens not ended + this one's) / KV cache.

    Where replicas differ it fills them in proportion to their memory; where they are alike it
    is the rule of least estimated tokens.
    """

    label = "Least KV share"
    rule = "least share of its KV cache spoken for"
    source = "the KV cache scorer of the Gateway API inference extension"

    kind: Literal["least_kv_share"] = "least_kv_share"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: LeastKvShareConfig) -> float:
        mine = request.prompt_length + request.estimated_mean_tokens
        return (replica.tokens + mine) / max(replica.capacity_tokens, 1)
