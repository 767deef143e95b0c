"""A replica is drained: it ends what it has, and gets nothing new."""

from __future__ import annotations

from typing import Literal

from driftsched.scenario.events.base import ScheduledAction, Spell

__all__ = ["Drain"]


class Drain(Spell):
    """No new requests: a router sends it none, and it draws none from a central queue.

    What runs goes on, and so does what waits in the replica's own queue.
    """

    kind: Literal["drain"] = "drain"

    def moments(self) -> tuple[ScheduledAction, ...]:
        number = self.replica
        begin = ScheduledAction(
            self.from_s, lambda cluster: cluster.drain(number), f"replica {number} drains"
        )
        end_s = self.from_s if self.to_s is None else self.to_s
        end = ScheduledAction(
            end_s, lambda cluster: cluster.resume(number), f"replica {number} open"
        )
        return self.spell(begin, end)
