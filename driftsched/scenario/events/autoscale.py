"""An autoscaler: replicas come and go by the number of waiting requests."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from driftsched.scenario.events.base import MOST_S, EventBase, ScheduledAction

__all__ = ["Autoscale"]


class Autoscale(EventBase):
    """Every `every_s`, one replica is added or leaves by the waiting requests per open replica.

    New ones are like the cluster's last one; the one with the highest number leaves, as by
    `scale_in`.
    """

    kind: Literal["autoscale"] = "autoscale"
    add_above: float = Field(
        8.0, ge=0, le=1e9, description="waiting requests per open replica above which one is added"
    )
    remove_below: float = Field(
        1.0, ge=0, le=1e9, description="waiting requests per open replica below which one leaves"
    )
    min_replicas: int = Field(1, ge=1, le=1000)
    max_replicas: int = Field(4, ge=1, le=1000)
    every_s: float = Field(5.0, ge=0.1, le=MOST_S, description="time between two checks")
    start_up_s: float = Field(
        60.0, ge=0, le=MOST_S, description="until a new replica takes requests"
    )
    cool_down_s: float = Field(
        60.0, ge=0, le=MOST_S, description="after a change no other for so long"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Autoscale:
        if self.remove_below > self.add_above:
            raise ValueError(
                f"remove_below must be <= add_above ({self.add_above:g}), got {self.remove_below:g}"
            )
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas must be >= min_replicas ({self.min_replicas}), "
                f"got {self.max_replicas}"
            )
        return self

    def moments(self) -> tuple[ScheduledAction, ...]:
        return (ScheduledAction(0.0, lambda cluster: cluster.autoscale(self), "autoscaler on"),)

    def wanted(self, waiting: int, serving: int, replicas: int) -> int:
        """Say 1 to add a replica, -1 to take one away, 0 to leave things alone."""
        each = waiting / max(serving, 1)
        if replicas < self.min_replicas or (each > self.add_above and replicas < self.max_replicas):
            return 1
        return -1 if each < self.remove_below and replicas > self.min_replicas else 0

    def faster(self, factor: float) -> Self:
        return self

    def adds(self, replicas: int) -> int:
        return max(self.max_replicas - replicas, 0)
