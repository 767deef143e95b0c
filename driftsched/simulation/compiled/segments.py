"""The phases of a run: when each opens, and the keys of its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.heap import push

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.simulation.compiled.keys import StaticKeys
    from driftsched.simulation.compiled.world import World
    from driftsched.workload.table import Segment, Workload

__all__ = ["Segments"]


class Segments:
    """Opens phases as `Traffic` and `Clients` of the simulation do.

    A phase starts at a time known ahead unless the former one drains, or ends when a number of
    requests has come in a closed loop; so all up to the next such one are opened together.
    """

    def __init__(
        self, scenario: Scenario, workload: Workload, world: World, keys: StaticKeys | None
    ) -> None:
        self._segments = workload.segments
        self._world, self._keys = world, keys
        self._planned = int(world.run["planned"][0])
        self._bounded = [phase.duration_s is not None for phase in scenario.phases] or [True]
        self._follows = np.zeros(len(world.following), np.bool_)
        self._follows[world.following[world.following >= 0]] = True
        self._opened = 0
        self._start_s = 0.0

    def open(self, now: float, *, idle: bool = True) -> bool:
        """Let the next requests arrive; False at the end.

        `idle` says that nothing is left to do at `now`, so that an empty phase has drained.
        """
        segments, run = self._segments, self._world.run
        planned, first = self._planned, int(run["stop"][0])
        while self._opened < len(segments):
            self._start_s = self._start(now)
            segment = segments[self._opened]
            self._opened += 1
            rows = slice(planned + segment.first, planned + segment.stop)
            self._world.arrival_s[rows] += self._start_s
            run["stop"] = rows.stop
            self._let_users_in(segment)
            waits = segment.drain or self._counts(self._opened - 1)
            if waits and (rows.stop > first or not idle):
                break
        stop = int(run["stop"][0])
        if run["closed"][0]:
            row = int(run["cursor"][0]) - planned
            run["cursor"] = planned + self._world.next_open[row]
        if self._keys is not None:
            arrivals: NDArray[np.float64] = self._world.arrival_s[first:stop]
            if planned:  # the kernel adds what the arrival is worth, which it knows for retries too
                arrivals = np.zeros(stop - first)
            keys = self._keys.of(first - planned, stop - planned, arrivals)
            self._world.keys[first:stop] = keys
        return stop > first

    def _counts(self, number: int) -> bool:
        """Whether a phase ends when its requests have come, in a closed loop."""
        segment = self._segments[number]
        closed = segment.closed_first is not None and segment.closed_first < segment.stop
        return closed and not self._bounded[number]

    def _let_users_in(self, segment: Segment) -> None:
        """Let the users of a phase think for the first time, and count its requests."""
        world, run, number = self._world, self._world.run, self._opened - 1
        if segment.closed_first is None:
            return
        if self._bounded[number]:
            world.phase_last_s[number] = self._start_s + segment.duration_s
        elif self._counts(number) and not segment.drain:
            run["count_from"], run["to_make"] = segment.first, segment.stop - segment.first
        for row in range(segment.closed_first, segment.stop):
            time_s = self._start_s + float(world.think_s[row])
            if not self._follows[row] and time_s <= world.phase_last_s[number]:
                push(world.thought_s, world.thought_rows, 0, int(run["thoughts"][0]), time_s, row)
                run["thoughts"] += 1
        if run["thoughts"][0]:
            run["thought_s"] = world.thought_s[0]

    def _start(self, now: float) -> float:
        """When the next phase starts."""
        if self._opened == 0:
            return 0.0
        former = self._segments[self._opened - 1]
        ended = self._start_s + former.duration_s
        if self._counts(self._opened - 1) and not former.drain:
            ended = now
        return (max(now, ended) if former.drain else ended) + former.pause_s
