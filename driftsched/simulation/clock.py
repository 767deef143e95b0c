"""SimPy's clock, with appointments at exact times and in a stated order."""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING

import simpy

if TYPE_CHECKING:
    from driftsched.simulation.world import Call

__all__ = ["Appointment", "Clock"]


class Appointment(simpy.Event):
    """A call at a time; it has no value and never fails.

    SimPy's own events are triggered first and delayed then; this one is born triggered.
    """

    def __init__(self, clock: Clock, call: Call) -> None:
        self.env = clock
        self.callbacks = [call]
        self._value = None
        self._ok = True

    def cancel(self) -> None:
        """Let the time pass without the call."""
        self.callbacks = []


class Clock(simpy.Environment):
    """A `simpy.Environment` that also takes absolute times.

    SimPy adds a delay to its own time, which rounds. Here what a replica computed as the end of a
    stretch is the very time at which it is woken, so that times can be compared for equality, and
    whatever falls on one instant happens in a stated order and not in the order of making.
    """

    @property
    def pending(self) -> bool:
        """Whether an appointment is to come that was not cancelled."""
        return any(entry[3].callbacks for entry in self._queue)

    def at(self, time_s: float, order: int, call: Call) -> Appointment:
        """Call `call(appointment)` at `time_s`, lower `order` first at one instant."""
        appointment = Appointment(self, call)
        heappush(self._queue, (time_s, order, next(self._eid), appointment))  # type: ignore[misc]
        return appointment

    def passes(self, time_s: float) -> bool:
        """Go on to `time_s` at once where nothing else is to happen until then and at it.

        It spares who is alone on the clock an appointment with itself.
        """
        if self._queue and self._queue[0][0] <= time_s:
            return False
        self._now = time_s
        return True
