"""Traffic that comes as events on the clock, for replicas that cannot foresee it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from driftsched.simulation.world import ARRIVALS

if TYPE_CHECKING:
    from driftsched.simulation.clock import Appointment, Clock
    from driftsched.simulation.fleet import Fleet
    from driftsched.simulation.traffic import Traffic

__all__ = ["AnnouncedTraffic"]


class AnnouncedTraffic:
    """Submits each arrival at its time and tells the replicas in whose reach it is.

    One replica alone foresees its arrivals and wakes itself for them (`Traffic` is its source):
    the same course, with an event less a request.

    Attributes
    ----------
    next_s : float
        Always inf: nothing is foreseen.
    """

    next_s = inf

    def __init__(self, clock: Clock, traffic: Traffic, fleet: Fleet) -> None:
        self._clock = clock
        self._traffic = traffic
        self._fleet = fleet

    def start(self) -> None:
        """Announce the first arrival."""
        self._announce()

    def advance(self, now: float) -> None:
        """Nothing to do: every arrival is announced."""

    def idle(self, now: float) -> bool:
        """Open the next phase where all requests have ended; the replica waits to be told."""
        if self._traffic.next_s == inf and self._fleet.empty and self._traffic.idle(now):
            self._announce()
        return False

    def _announce(self) -> None:
        time_s = self._traffic.next_s
        if time_s < inf:
            self._clock.at(time_s, ARRIVALS, self._arrive)

    def _arrive(self, appointment: Appointment) -> None:
        now = self._clock.now
        self._fleet.arrived(self._traffic.advance(now), now)
        self._announce()
        self.idle(now)
