"""Appointments on the wall clock, kept in the order in which the simulated clock keeps them."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.simulation.world import Call

__all__ = ["Entry", "Timetable"]


class Entry:
    """An appointment that was made."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def cancel(self) -> None:
        """Let the time pass without the call."""
        self.call = None


class Timetable:
    """What is to happen when. It knows no clock: whoever has one tells it how far time has come.

    A late call does not move the schedule, since it finds the very time for which it was made.

    Attributes
    ----------
    now : float
        Seconds since the run's start: the time of the appointment that was kept last.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._entries: list[tuple[float, int, int, Entry]] = []
        self._numbers = count()

    @property
    def next_s(self) -> float:
        """Time of the next appointment; inf where there is none."""
        entries = self._entries
        while entries and entries[0][3].call is None:
            heappop(entries)
        return entries[0][0] if entries else inf

    def at(self, time_s: float, order: int, call: Call) -> Entry:
        """Call `call(appointment)` at `time_s`, lower `order` first at one instant."""
        entry = Entry(call)
        heappush(self._entries, (time_s, order, next(self._numbers), entry))
        return entry

    def advance(self, to_s: float) -> bool:
        """Keep every appointment up to and including `to_s`, those made meanwhile too.

        Returns
        -------
        bool
            Whether there was one.
        """
        kept = False
        while self.next_s <= to_s:
            time_s, _, _, entry = heappop(self._entries)
            self.now = time_s
            call, entry.call = entry.call, None
            if call is not None:
                call(entry)
            kept = True
        return kept
