"""Every attempt of a live run's clients: those that were made, and how many may be to come."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

import numpy as np

from driftsched.core.arrays import Bools
from driftsched.gateway.clients import Clients
from driftsched.live.in_flight import STOPPED
from driftsched.live.traffic import LiveTraffic
from driftsched.scheduling.request import Request


class Attempt(NamedTuple):
    """A request that a client made, its row in the workload, which try it is, and of which id."""

    request: Request
    row: int
    attempt: int = 1
    retry_of: int = -1


class AttemptLog:
    """Who asked for what, and who has not yet; `clients` is None before the run has begun.

    Users' requests in phases that end by the clock may come or not: they are expected at the pace
    so far, and are no part of a run that is stopped before they came.
    """

    def __init__(self, traffic: LiveTraffic, clients: Clients | None = None) -> None:
        self._traffic = traffic
        self._clients = clients
        self._never: list[int] = []
        # Rows of users in phases that end by the clock.
        self._timed = np.zeros(len(traffic.requests), dtype=np.bool_)
        segments = traffic.workload.segments
        for segment, phase in zip(segments, traffic.scenario.phases, strict=False):
            if segment.closed_first is not None and phase.duration_s is not None:
                self._timed[segment.closed_first : segment.stop] = True

    def attempts(self) -> list[Attempt]:
        """Those that were made, in order; once it is closed, then those that never came."""
        made = self._clients
        columns = (made.requests, made.rows, made.attempts, made.retry_of) if made else ()
        never = (Attempt(self._traffic.requests[row], row) for row in self._never)
        return [*map(Attempt, *columns), *never] if columns else [*never]

    def copied(self) -> list[Attempt]:
        """The same, with copies of those requests that may still change."""
        return [
            one if one.request.status else one._replace(request=copy(one.request))
            for one in self.attempts()
        ]

    @property
    def certain(self) -> list[int]:
        """Rows that are sure to come, unless the run is stopped before."""
        return np.flatnonzero(~self._timed).tolist()

    def ended(self) -> int:
        """How many attempts have had their end."""
        return sum(bool(one.status) for one in self._clients.requests) if self._clients else 0

    def expected(self, now: float) -> int:
        """How many there will be, as far as it is known at `now`: those made, those to come."""
        made = len(self._clients.requests) if self._clients else 0
        to_come = self._to_come()
        return made + int((to_come & ~self._timed).sum()) + self._by_pace(to_come, now)

    def close(self, now: float) -> None:
        """After a stop, give every request without an end one: it was cancelled."""
        made = self.attempts()
        for request in (one.request for one in made):
            if not request.status:
                request.status, request.reason, request.finish_s = "cancelled", STOPPED, now
        self._never = np.flatnonzero(self._to_come() & ~self._timed).tolist()
        for number, row in enumerate(self._never, len(made)):
            request = self._traffic.requests[row]
            request.request_id, request.arrival_s = number, float("nan")
            request.status, request.reason = "cancelled", f"{STOPPED} before it came"

    def _to_come(self) -> Bools:
        """Rows that have not come."""
        rows = np.ones(len(self._timed), dtype=np.bool_)
        if self._clients is not None:
            rows[self._clients.rows] = False
        return rows

    def _by_pace(self, to_come: Bools, now: float) -> int:
        """How many of users' requests in phases that end by the clock will come, as it seems."""
        segments, phases = self._traffic.workload.segments, self._traffic.workload.phases
        left = np.bincount(phases[to_come & self._timed], minlength=len(segments))
        came = np.bincount(phases[~to_come & self._timed], minlength=len(segments))
        for number, start_s in enumerate(self._clients.starts if self._clients else ()):
            ends_s = start_s + segments[number].duration_s
            if now >= ends_s:
                left[number] = 0
            elif came[number]:
                rate = came[number] / max(now - start_s, 1e-9)
                left[number] = min(left[number], round(rate * (ends_s - now)))
        return int(left.sum())
