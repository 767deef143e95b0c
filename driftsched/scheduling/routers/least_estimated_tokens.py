"""Least estimated tokens: where the least work is thought to be left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import Loads, Router, RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["LeastEstimatedTokens", "LeastEstimatedTokensConfig"]


class LeastEstimatedTokens(Router):
    """Rule: least sum of total token budgets not ended; ties go to the lower number.

    Budgets are those of admission, so the router errs as the estimator does.
    """

    def __init__(self, loads: Loads) -> None:
        self._tokens = loads.tokens

    def route(self, request: Request, among: Sequence[int]) -> int:
        return min(among, key=self._tokens.__getitem__)


class LeastEstimatedTokensConfig(RouterSpec):
    """No parameters."""

    kind: Literal["least_estimated_tokens"] = "least_estimated_tokens"

    def build(self, loads: Loads, seed: int) -> Router:
        return LeastEstimatedTokens(loads)
