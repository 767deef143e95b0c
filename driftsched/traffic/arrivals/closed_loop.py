"""Closed loop: users who wait for an answer, think, and ask again."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field

from driftsched.traffic.arrivals.base import Arrivals
from driftsched.traffic.durations import Duration, Exponential

__all__ = ["ClosedLoop"]


class ClosedLoop(Arrivals):
    """`users` who each think, ask, wait for the answer (or for its failure), and think again.

    A user first thinks, then asks. Over tenants that share the process, users are split by the
    tenants' shares; each user stays with one tenant.
    """

    closed: ClassVar[bool] = True
    kind: Literal["closed_loop"] = "closed_loop"
    users: int = Field(ge=1, le=100_000)
    think: Duration = Field(Exponential(mean_s=10.0), description="time between answer and request")

    def faster(self, factor: float) -> Self:
        return self.model_copy(update={"think": self.think.faster(factor)})

    @property
    def rate(self) -> float:
        """Requests a second if answers took no time: no run can have more."""
        return self.users / self.think.mean if self.think.mean > 0 else float("inf")
