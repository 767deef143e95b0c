"""A replica becomes slower for a while: a throttled GPU, a noisy host."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from driftsched.scenario.events.base import ScheduledAction, Spell

__all__ = ["SlowDown"]


class SlowDown(Spell):
    """Iterations that begin in this time take `factor` times as long."""

    kind: Literal["slow_down"] = "slow_down"
    factor: float = Field(2.0, gt=0, le=1000, description="iterations take this many times as long")

    def moments(self) -> tuple[ScheduledAction, ...]:
        number, factor = self.replica, self.factor
        begin = ScheduledAction(
            self.from_s,
            lambda cluster: cluster.slow(number, factor),
            f"replica {number} {factor:g}× slower",
        )
        end_s = self.from_s if self.to_s is None else self.to_s
        end = ScheduledAction(
            end_s, lambda cluster: cluster.unslow(number, factor), f"replica {number} normal"
        )
        return self.spell(begin, end)
