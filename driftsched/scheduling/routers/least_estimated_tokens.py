"""Least estimated tokens: where the least work is thought to be left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["LeastEstimatedTokensConfig"]


class LeastEstimatedTokensConfig(RouterSpec):
    """Rule: least sum of prompts and mean estimates not ended.

    Estimates are those of admission, so the router errs as the estimator does.
    """

    label = "Least estimated tokens"
    rule = "least sum of mean estimates not ended"
    source = "least work left, Harchol-Balter et al. (1999)"

    kind: Literal["least_estimated_tokens"] = "least_estimated_tokens"

    @staticmethod
    def score(
        request: Request, replica: Offer, choice: Choice, p: LeastEstimatedTokensConfig
    ) -> float:
        return replica.tokens
