"""Every try of a live run: those that were made, and how many may be to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.live.flight import STOPPED

if TYPE_CHECKING:
    from driftsched.live.prepare import Prepared
    from driftsched.scheduling.request import Request
    from driftsched.simulation.clients import Clients

__all__ = ["Books", "Tries"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Tries:
    """Tries in order of making.

    Attributes
    ----------
    requests : sequence of Request
    rows, attempts, retry_of : sequences of int
        As in `Clients`.
    """

    requests: Sequence[Request]
    rows: Sequence[int]
    attempts: Sequence[int]
    retry_of: Sequence[int]


class Books:
    """Who asked for what, and who has not yet.

    Users' requests in phases that end by the clock may come or not: they are expected at the pace
    so far, and are no part of a run that is stopped before they came.

    Parameters
    ----------
    prepared : Prepared
        The traffic.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._planned = prepared.requests
        self._segments = prepared.workload.segments
        self._phases = prepared.workload.phases
        self._timed = _timed(prepared)
        self._clients: Clients | None = None
        self._never: list[int] = []

    def follow(self, clients: Clients) -> None:
        """Take note of who makes the requests."""
        self._clients = clients

    def made(self) -> Tries:
        """Those that came so far."""
        clients = self._clients
        if clients is None:
            return Tries((), (), (), ())
        return Tries(
            list(clients.requests),
            list(clients.rows),
            list(clients.attempts),
            list(clients.retry_of),
        )

    def all(self) -> Tries:
        """Those that came, then those that never did (see `close`)."""
        made, never = self.made(), self._never
        return Tries(
            [*made.requests, *(self._planned[row] for row in never)],
            [*made.rows, *never],
            [*made.attempts, *(1 for _ in never)],
            [*made.retry_of, *(-1 for _ in never)],
        )

    def expected(self, now: float) -> int:
        """How many there will be, as far as it is known at `now`: those made, those to come."""
        made = len(self._clients.requests) if self._clients else 0
        still_open = self._open()
        return made + int((still_open & ~self._timed).sum()) + self._by_pace(still_open, now)

    def close(self, now: float) -> None:
        """After a stop, give every request without an end one: it was cancelled."""
        for request in self.made().requests:
            if not request.status:
                request.status, request.reason, request.finish_s = "cancelled", STOPPED, now
        self._never = np.flatnonzero(self._open() & ~self._timed).tolist()
        for number, row in enumerate(self._never, len(self.made().requests)):
            request = self._planned[row]
            request.request_id, request.arrival_s = number, float("nan")
            request.status, request.reason = "cancelled", f"{STOPPED} before it came"

    def _open(self) -> Mask:
        """Rows that have not come."""
        rows = np.ones(len(self._planned), dtype=np.bool_)
        if self._clients is not None:
            rows[self._clients.rows] = False
        return rows

    def _by_pace(self, still_open: Mask, now: float) -> int:
        """How many of users' requests in phases that end by the clock will come, as it seems."""
        phases, size = self._phases, len(self._segments)
        left = np.bincount(phases[still_open & self._timed], minlength=size)
        came = np.bincount(phases[~still_open & self._timed], minlength=size)
        starts = self._clients.starts if self._clients else []
        for number, start_s in enumerate(starts):
            ends_s = start_s + self._segments[number].duration_s
            if now >= ends_s:
                left[number] = 0
            elif came[number]:
                rate = came[number] / max(now - start_s, 1e-9)
                left[number] = min(left[number], round(rate * (ends_s - now)))
        return int(left.sum())


def _timed(prepared: Prepared) -> Mask:
    """Rows of users in phases that end by the clock."""
    timed = np.zeros(len(prepared.requests), dtype=np.bool_)
    for segment, phase in zip(prepared.workload.segments, prepared.scenario.phases, strict=False):
        if segment.closed_first is not None and phase.duration_s is not None:
            timed[segment.closed_first : segment.stop] = True
    return timed
