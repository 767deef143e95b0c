"""Replicas are added at a stated time."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from driftsched.scenario.events.base import MOST_S, EventBase, ScheduledAction

__all__ = ["ScaleOut"]


class ScaleOut(EventBase):
    """New replicas, like the cluster's last one; each takes requests after its start-up.

    One that is about to leave is kept instead, and is open at once.
    """

    kind: Literal["scale_out"] = "scale_out"
    at_s: float = Field(ge=0, le=MOST_S)
    replicas: int = Field(1, ge=1, le=1000, description="how many are added")
    start_up_s: float = Field(
        60.0, ge=0, le=MOST_S, description="until a new replica takes requests"
    )

    def moments(self) -> tuple[ScheduledAction, ...]:
        count, start_up_s = self.replicas, self.start_up_s
        label = f"+{count} replica{'s' if count > 1 else ''}"
        return (
            ScheduledAction(self.at_s, lambda cluster: cluster.scale_out(count, start_up_s), label),
        )

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"at_s": self.at_s / factor})

    def adds(self, replicas: int) -> int:
        return self.replicas
