"""The traffic source: hands requests to the gateway as simulated time passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.gateway.gateway import Gateway
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Segment

__all__ = ["Progress", "Traffic"]

Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1; it may raise to stop the run."""

REPORTS = 200


class Traffic:
    """Open-loop traffic in segments (the scenario's phases).

    Arrivals do not depend on what the GPU does inside a segment, so the next one is known ahead:
    that is what lets a replica jump over iterations in which nobody can join. Only where a phase
    drains does the next segment's start wait for the last request to end.

    Parameters
    ----------
    requests : iterable of Request
        In order of arrival, `arrival_s` counted from the start of their segment. Each is taken, and
        its time counted from the start of the run, when the one before it has come.
    segments : sequence of Segment
        The phases.
    gateway : Gateway
        Who takes the requests in.
    progress : callable, optional
        Told of the share submitted.

    Attributes
    ----------
    next_s : float
        Time of the next arrival in seconds; inf while there is none, or none before a drain.
    submitted : int
        How many requests have been handed to the gateway: the first ones.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        segments: Sequence[Segment],
        gateway: Gateway,
        progress: Progress | None = None,
    ) -> None:
        self.next_s = inf
        self._requests = iter(requests)
        self._segments = segments
        self._gateway = gateway
        self._progress = progress
        self.submitted = 0
        self._segment = -1
        self._start_s = 0.0
        self._stop = 0
        self._report_at = 0
        self._coming: Request  # arrives at next_s
        self._open(0.0)

    def advance(self, now: float) -> list[Request]:
        """Submit every request that arrives up to and including `now`, in order; return them."""
        arrived: list[Request] = []
        while self.next_s <= now:
            request = self._coming
            self._gateway.submit(request, self.next_s)
            arrived.append(request)
            self.submitted += 1
            if self.submitted < self._stop:
                self._draw()
            else:
                self._close()
        if self.submitted >= self._report_at:
            self._report()
        return arrived

    def idle(self, now: float) -> bool:
        """Tell the source that every submitted request has ended; False when no more will come.

        A phase may be empty, its users still thinking at its end; then several end.
        """
        while self.next_s == inf and self._segment < len(self._segments) - 1:
            ended = self._segments[self._segment]
            self._open(max(now, self._start_s + ended.duration_s) + ended.pause_s)
        return self.next_s < inf

    def _report(self) -> None:
        total = self._segments[-1].stop
        self._report_at = self.submitted + max(1, total // REPORTS)
        if self._progress:
            self._progress(self.submitted / total)

    def _close(self) -> None:
        """End the current segment; the next one opens at once unless this one drains."""
        self.next_s = inf
        ended = self._segments[self._segment]
        if not ended.drain and self._segment < len(self._segments) - 1:
            self._open(self._start_s + ended.duration_s + ended.pause_s)

    def _open(self, start_s: float) -> None:
        self._segment += 1
        self._start_s = start_s
        segment = self._segments[self._segment]
        self._stop = segment.stop
        if segment.first < segment.stop:
            self._draw()
        else:
            self._close()

    def _draw(self) -> None:
        """Take the next request and date it."""
        self._coming = request = next(self._requests)
        request.arrival_s = self.next_s = self._start_s + request.arrival_s
