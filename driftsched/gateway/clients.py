"""Clients that react to the run: users in closed loops, people who give up and who try again."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf, isnan
from typing import TYPE_CHECKING

import numpy as np

from driftsched.gateway.interfaces import ARRIVALS, GIVE_UPS
from driftsched.gateway.patience import Limit, Patience
from driftsched.workload.streams import Streams

if TYPE_CHECKING:
    from driftsched.gateway.interfaces import Call, Progress, Service, Timekeeper, Timer
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["Clients", "react"]

REPORTS = 200
"""How often progress is told."""

PHASE, FIRST_TRY, RETRY = 0, 1, 2
"""Order of what comes at one instant."""


def react(scenario: Scenario, workload: Workload) -> bool:
    """Whether clients react to their requests' ends, so that traffic is not known ahead."""
    return workload.user is not None or any(
        not tenant.patience.endless or tenant.retries.attempts > 1 for tenant in scenario.tenants
    )


class Clients:
    """Makes requests as the run goes, and hears of their ends, in both worlds.

    Arrivals are events on the clock, which is SimPy's or the wall's. All that is to come lies in
    one heap, (time, order, number, row): the next phase, first tries in order of their rows in the
    workload, then retries in order of the request they repeat. Ids are given in order of making.

    Parameters
    ----------
    scenario, workload : what is run
    clock : Timekeeper
        At time 0.
    planned : sequence of Request
        One a row of the workload; those that come are used and numbered anew.
    fleet : Service
        Who serves.
    progress : callable, optional
        Told of the share of rows that came.

    Attributes
    ----------
    requests : list of Request
        Those made, in order of making; their position is their id.
    rows, attempts, retry_of : list of int
        Of each of them: its row in the workload, which try it is (from 1), and the id of the try
        before it, -1 for none.
    starts : list of float
        When each phase that has begun did, in seconds.
    """

    def __init__(
        self,
        scenario: Scenario,
        workload: Workload,
        clock: Timekeeper,
        planned: Sequence[Request],
        fleet: Service,
        progress: Progress | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.rows: list[int] = []
        self.attempts: list[int] = []
        self.retry_of: list[int] = []
        self.starts: list[float] = []
        self._retries = [tenant.retries for tenant in scenario.tenants]
        self._patience = Patience(scenario, workload)
        self._streams = Streams(scenario.seed, len(workload.segments))
        self._segments = workload.segments
        self._phases = workload.phases
        self._offset_s = workload.arrival_s
        self._user = workload.user
        self._think_s = np.empty(0) if workload.think_s is None else workload.think_s
        self._bounded = [phase.duration_s is not None for phase in scenario.phases] or [True]
        self._clock, self._planned, self._fleet = clock, planned, fleet
        self._progress = progress
        self._coming: list[tuple[float, int, int, int]] = []
        self._follows = self._chains()
        self._give_ups: dict[Request, list[Timer]] = {}
        self._appointment: Timer | None = None
        self._appointed_s = inf
        self._opened = 0
        self._to_make = 0  # rows of the open phase that have not come, where it counts them
        self._drained = False  # whether the next phase has been set already
        self._busy = False

    def start(self) -> None:
        """Open the first phase."""
        self._fleet.gateway.watch = self._ended
        self._open(0.0)
        self._announce()

    def idle(self, now: float) -> None:
        """Open the next phase where all requests have ended."""
        if not self._busy and not self._coming and self._fleet.empty and not self._give_ups:
            self._open_after_drain(now)

    def _chains(self) -> dict[int, int]:
        """Row → the same user's next row."""
        if self._user is None:
            return {}
        order = np.argsort(self._user, kind="stable")
        same = np.flatnonzero(
            (self._user[order[1:]] == self._user[order[:-1]]) & (self._user[order[1:]] >= 0)
        )
        return dict(zip(order[same].tolist(), order[same + 1].tolist(), strict=True))

    def _open(self, now: float) -> None:
        """Begin a phase: its first open arrival, its users' first thoughts, perhaps its end."""
        number = self._opened
        segment = self._segments[number]
        self._opened += 1
        self.starts.append(now)
        self._drained = False
        closed = segment.stop if segment.closed_first is None else segment.closed_first
        if segment.first < closed:
            self._plan(now + float(self._offset_s[segment.first]), FIRST_TRY, segment.first)
        followers = set(self._follows.values())
        for row in range(closed, segment.stop):
            if row not in followers:
                self._think(row, now)
        counted = closed < segment.stop and not self._bounded[number]
        self._to_make = segment.stop - segment.first if counted else 0
        if not counted and not segment.drain:
            self._plan_next(now + segment.duration_s)

    def _plan_next(self, ends_s: float) -> None:
        """Set the next phase, if there is one, for after the end of this one."""
        if self._opened < len(self._segments) and not self._drained:
            self._drained = True
            pause_s = self._segments[self._opened - 1].pause_s
            self._plan(ends_s + pause_s, PHASE, self._opened)

    def _open_after_drain(self, now: float) -> None:
        segment = self._segments[self._opened - 1]
        self._plan_next(max(now, self.starts[-1] + segment.duration_s))
        self._announce()

    def _think(self, row: int, now: float) -> None:
        """Let a user think, and ask unless its phase is over by then."""
        number = int(self._phases[row])
        time_s = now + float(self._think_s[row])
        last_s = self.starts[number] + self._segments[number].duration_s
        if not self._bounded[number] or time_s <= last_s:
            self._plan(time_s, FIRST_TRY, row)

    def _plan(self, time_s: float, order: int, number: int, row: int = -1) -> None:
        heappush(self._coming, (time_s, order, number, row))

    def _announce(self) -> None:
        """Make the appointment with what comes first, or move it forward."""
        if self._busy or not self._coming:
            return
        time_s = self._coming[0][0]
        if self._appointment is None or time_s < self._appointed_s:
            if self._appointment is not None:
                self._appointment.cancel()
            self._appointed_s = time_s
            self._appointment = self._clock.at(time_s, ARRIVALS, self._arrive)

    def _arrive(self, appointment: Timer) -> None:
        """Bring all that comes now; then tell the replicas."""
        now, first = self._clock.now, len(self.requests)
        self._appointment, self._busy = None, True
        while self._coming and self._coming[0][0] <= now:
            _, order, number, row = heappop(self._coming)
            if order == PHASE:
                self._open(now)
            elif order == FIRST_TRY:
                self._follow(number, now)
                self._submit(self._planned[number], number, 1, -1, now)
            else:
                again = self.requests[number].again()
                self._submit(again, row, self.attempts[number] + 1, number, now)
        self._busy = False
        self._fleet.arrived(self.requests[first:], now)
        self._announce()
        self.idle(now)
        made, step = len(self.requests), max(1, len(self._planned) // REPORTS)
        if self._progress and made // step > first // step:
            self._progress(min(1.0, made / len(self._planned)))

    def _follow(self, row: int, now: float) -> None:
        """Set the next open arrival; where the phase counts its requests, end it with the last."""
        number = int(self._phases[row])
        segment = self._segments[number]
        closed = segment.stop if segment.closed_first is None else segment.closed_first
        if row + 1 < closed:
            time_s = self.starts[number] + float(self._offset_s[row + 1])
            self._plan(time_s, FIRST_TRY, row + 1)
        if self._to_make and number == self._opened - 1:
            self._to_make -= 1
            if not self._to_make and not segment.drain:
                self._plan_next(now)

    def _submit(self, request: Request, row: int, attempt: int, former: int, now: float) -> None:
        request.request_id = len(self.requests)
        request.arrival_s = now
        self.requests.append(request)
        self.rows.append(row)
        self.attempts.append(attempt)
        self.retry_of.append(former)
        self._give_ups[request] = []
        if self._fleet.gateway.submit(request, now):
            limits = self._patience.limits(request.tenant, row)
            self._give_ups[request] = [
                self._clock.at(now + limit.after_s, GIVE_UPS, self._giving_up(request, limit))
                for limit in limits
            ]

    def _ended(self, request: Request, now: float) -> None:
        """Hear of an end, unless the client left before it."""
        give_ups = self._give_ups.pop(request, None)
        if give_ups is None:
            return
        for give_up in give_ups:
            give_up.cancel()
        self._react(request, request.status, now)

    def _react(self, request: Request, status: str, now: float) -> None:
        """Try again after a pause, or let the user think about the next request."""
        number = request.request_id
        row, tries = self.rows[number], self.attempts[number]
        retries = self._retries[request.tenant]
        if status in retries.after and tries < retries.attempts:
            pause_s = retries.pause_s(tries, self._chance(row, tries) if retries.jitter else 0.0)
            self._plan(now + pause_s, RETRY, number, row)
        else:
            following = self._follows.get(row)
            if following is not None:
                self._think(following, now)
        self._announce()

    def _chance(self, row: int, tries: int) -> float:
        """A draw of its own for each pause, so that runs that differ share what they can."""
        number = int(self._phases[row])
        place = row - self._segments[number].first
        return float(self._streams.get("retries", number, place, tries).random())

    def _giving_up(self, request: Request, limit: Limit) -> Call:
        def give_up(_: Timer) -> None:
            if limit.to_first_token and not isnan(request.first_token_s):
                return
            now = self._clock.now
            for other in self._give_ups.pop(request):
                other.cancel()
            self._fleet.give_up(request, limit.status, limit.reason, now)
            self._react(request, limit.status, now)
            self.idle(now)

        return give_up
