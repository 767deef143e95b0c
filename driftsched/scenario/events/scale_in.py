"""Replicas leave at a stated time."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from driftsched.scenario.events.base import MOST_S, EventBase, ScheduledAction

__all__ = ["ScaleIn"]


class ScaleIn(EventBase):
    """The replicas with the highest numbers end what they run, and leave; one always stays.

    What waits in their own queues goes to other replicas at once.
    """

    kind: Literal["scale_in"] = "scale_in"
    at_s: float = Field(ge=0, le=MOST_S)
    replicas: int = Field(1, ge=1, le=1000, description="how many leave")

    def moments(self) -> tuple[ScheduledAction, ...]:
        count = self.replicas
        label = f"-{count} replica{'s' if count > 1 else ''}"
        return (ScheduledAction(self.at_s, lambda cluster: cluster.scale_in(count), label),)

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"at_s": self.at_s / factor})
