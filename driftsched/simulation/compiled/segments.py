"""The phases of a run: when each opens."""

from __future__ import annotations

import numpy as np

from driftsched.scenario.model import Scenario
from driftsched.simulation.compiled.order import push
from driftsched.simulation.compiled.state import KernelState
from driftsched.workload.table import Segment, Workload


class Segments:
    """Opens phases as `driftsched.gateway.clients.Clients` does.

    A phase starts at a time known ahead unless the former one drains, or ends when a number of
    requests has come in a closed loop; so all up to the next such one are opened together.
    """

    def __init__(self, scenario: Scenario, workload: Workload, state: KernelState) -> None:
        self._segments = workload.segments
        self._state = state
        self._planned = int(state.run["planned"][0])
        self._bounded = [phase.duration_s is not None for phase in scenario.phases] or [True]
        self._follows = np.zeros(len(state.loops), np.bool_)
        following = state.loops["following"]
        self._follows[following[following >= 0]] = True
        self._opened = 0
        self._start_s = 0.0

    def open(self, now: float, *, idle: bool = True) -> bool:
        """Let the next requests arrive; False at the end.

        `idle` says that nothing is left to do at `now`, so that an empty phase has drained.
        """
        segments, run = self._segments, self._state.run
        planned, first = self._planned, int(run["stop"][0])
        while self._opened < len(segments):
            self._start_s = self._start(now)
            segment = segments[self._opened]
            self._opened += 1
            rows = slice(planned + segment.first, planned + segment.stop)
            self._state.arrival_s[rows] += self._start_s
            run["stop"] = rows.stop
            self._let_users_in(segment)
            waits = segment.drain or self._counts(self._opened - 1)
            if waits and (rows.stop > first or not idle):
                break
        stop = int(run["stop"][0])
        if run["closed"][0]:
            row = int(run["cursor"][0]) - planned
            run["cursor"] = planned + self._state.loops["next_open"][row]
        return stop > first

    def _counts(self, number: int) -> bool:
        """Whether a phase ends when its requests have come, in a closed loop."""
        segment = self._segments[number]
        closed = segment.closed_first is not None and segment.closed_first < segment.stop
        return closed and not self._bounded[number]

    def _let_users_in(self, segment: Segment) -> None:
        """Let the users of a phase think for the first time, and count its requests."""
        state, run, number = self._state, self._state.run, self._opened - 1
        if segment.closed_first is None:
            return
        if self._bounded[number]:
            state.phases["last_s"][number] = self._start_s + segment.duration_s
        elif self._counts(number) and not segment.drain:
            run["count_from"], run["to_make"] = segment.first, segment.stop - segment.first
        for row in range(segment.closed_first, segment.stop):
            time_s = self._start_s + float(state.loops["think_s"][row])
            if not self._follows[row] and time_s <= state.phases["last_s"][number]:
                push(state.thoughts, int(run["thoughts"][0]), time_s, row)
                run["thoughts"] += 1
        if run["thoughts"][0]:
            run["thought_s"] = state.thoughts["key"][0]

    def _start(self, now: float) -> float:
        """When the next phase starts."""
        if self._opened == 0:
            return 0.0
        former = self._segments[self._opened - 1]
        ended = self._start_s + former.duration_s
        if self._counts(self._opened - 1) and not former.drain:
            ended = now
        return (max(now, ended) if former.drain else ended) + former.pause_s
