"""What is to happen when, kept in the order in which the simulated clock keeps it."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf

from driftsched.gateway.interfaces import Call


class ScheduledCall:
    """A call that is to be made, unless it is cancelled."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def cancel(self) -> None:
        """Let the time pass without the call."""
        self.call = None


class Schedule:
    """Calls in order of their times. It knows no clock: whoever has one says how late it is.

    A late call does not move the schedule, since it finds the very time for which it was made:
    `now`, in seconds since the run's start.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._coming: list[tuple[float, int, int, ScheduledCall]] = []
        self._numbers = count()

    @property
    def next_s(self) -> float:
        """Time of the next call; inf where there is none."""
        coming = self._coming
        while coming and coming[0][3].call is None:
            heappop(coming)
        return coming[0][0] if coming else inf

    def at(self, time_s: float, order: int, call: Call) -> ScheduledCall:
        """Call `call(scheduled)` at `time_s`, lower `order` first at one instant."""
        scheduled = ScheduledCall(call)
        heappush(self._coming, (time_s, order, next(self._numbers), scheduled))
        return scheduled

    def advance(self, to_s: float) -> None:
        """Make every call up to and including `to_s`, those that are scheduled meanwhile too."""
        while self.next_s <= to_s:
            self.now, _, _, scheduled = heappop(self._coming)
            call, scheduled.call = scheduled.call, None
            if call is not None:
                call(scheduled)
