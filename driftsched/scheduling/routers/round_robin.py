"""Round robin: each replica in its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["RoundRobinConfig"]


class RoundRobinConfig(RouterSpec):
    """Rule: the next replica in number, whatever it has to do."""

    label = "Round robin"
    rule = "each replica in its turn"
    source = "usual in load balancers"

    kind: Literal["round_robin"] = "round_robin"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: RoundRobinConfig) -> float:
        ahead = replica.number - choice.last - 1
        return ahead if ahead >= 0 else ahead + choice.replicas
