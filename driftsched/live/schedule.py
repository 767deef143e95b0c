"""What is to happen when, kept in the order in which the simulated clock keeps it."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.simulation.world import Call

__all__ = ["Schedule", "ScheduledAction"]


class ScheduledAction:
    """Something that is to happen, unless it is cancelled."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def cancel(self) -> None:
        """Let the time pass without the call."""
        self.call = None


class Schedule:
    """Actions in order of their times. It knows no clock: whoever has one says how late it is.

    A late call does not move the schedule, since it finds the very time for which it was made.

    Attributes
    ----------
    now : float
        Seconds since the run's start: the time of the action that happened last.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._actions: list[tuple[float, int, int, ScheduledAction]] = []
        self._numbers = count()

    @property
    def next_s(self) -> float:
        """Time of the next action; inf where there is none."""
        actions = self._actions
        while actions and actions[0][3].call is None:
            heappop(actions)
        return actions[0][0] if actions else inf

    def at(self, time_s: float, order: int, call: Call) -> ScheduledAction:
        """Call `call(action)` at `time_s`, lower `order` first at one instant."""
        action = ScheduledAction(call)
        heappush(self._actions, (time_s, order, next(self._numbers), action))
        return action

    def advance(self, to_s: float) -> None:
        """Do all that is due up to and including `to_s`, also what comes to be due meanwhile."""
        while self.next_s <= to_s:
            self.now, _, _, action = heappop(self._actions)
            call, action.call = action.call, None
            if call is not None:
                call(action)
