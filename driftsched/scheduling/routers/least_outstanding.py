"""Least outstanding: where the fewest requests wait and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["LeastOutstandingConfig"]


class LeastOutstandingConfig(RouterSpec):
    """Rule: fewest requests not ended (join the shortest queue)."""

    label = "Least outstanding"
    rule = "fewest requests not ended"
    source = "Winston (1977), join the shortest queue"

    kind: Literal["least_outstanding"] = "least_outstanding"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: LeastOutstandingConfig) -> float:
        return replica.requests
