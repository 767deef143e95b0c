"""A replica goes down, and perhaps comes back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from driftsched.scenario.events.base import ScheduledAction, Spell

__all__ = ["Outage"]


class Outage(Spell):
    """The replica loses what it computed; the iteration under way is lost too.

    `requeue` gives its running requests back to the gateway, to be computed again from their
    prompts; `fail` ends them. Requests that wait go to other replicas either way.
    """

    kind: Literal["outage"] = "outage"
    requests: Literal["requeue", "fail"] = Field(
        "requeue", description="what becomes of the requests in it"
    )

    def moments(self) -> tuple[ScheduledAction, ...]:
        number, requeue = self.replica, self.requests == "requeue"
        down = ScheduledAction(
            self.from_s,
            lambda cluster: cluster.fail(number, requeue=requeue),
            f"replica {number} down",
        )
        back_s = self.from_s if self.to_s is None else self.to_s
        back = ScheduledAction(
            back_s, lambda cluster: cluster.repair(number), f"replica {number} back"
        )
        return self.spell(down, back)
