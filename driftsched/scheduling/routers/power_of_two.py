"""Power of two choices: the better of two replicas drawn at random."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["PowerOfTwoConfig"]


class PowerOfTwoConfig(RouterSpec):
    """Rule: draw two different replicas, take the one with fewer requests not ended.

    The longest queue falls from log n to log log n.
    """

    label = "Power of two choices"
    rule = "the better of two drawn at random"
    source = "Mitzenmacher (2001)"
    random = True

    kind: Literal["power_of_two"] = "power_of_two"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: PowerOfTwoConfig) -> float:
        one = int(choice.first * choice.offers)
        other = int(choice.second * (choice.offers - 1))
        if other >= one and choice.offers > 1:
            other += 1
        return replica.requests if replica.place in (one, other) else inf
