"""The phases of a run: when each opens, and the keys of its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from driftsched.simulation.compiled.keys import StaticKeys
    from driftsched.simulation.compiled.world import World
    from driftsched.workload.table import Workload

__all__ = ["Segments"]


class Segments:
    """Opens phases as `driftsched.simulation.traffic.Traffic` does.

    A phase starts at a time known ahead unless the former one drains, so all up to the next drain
    are opened together.
    """

    def __init__(self, workload: Workload, world: World, keys: StaticKeys | None) -> None:
        self._segments = workload.segments
        self._world, self._keys = world, keys
        self._planned = int(world.run["planned"][0])
        self._opened = 0
        self._start_s = 0.0

    def open(self, now: float) -> bool:
        """Let the next requests arrive, nothing being left to do at `now`; False at the end."""
        segments, run = self._segments, self._world.run
        planned, first = self._planned, int(run["stop"][0])
        while self._opened < len(segments):
            self._start_s = self._start(now)
            segment = segments[self._opened]
            self._opened += 1
            rows = slice(planned + segment.first, planned + segment.stop)
            self._world.arrival_s[rows] += self._start_s
            run["stop"] = rows.stop
            if segment.drain and rows.stop > first:
                break
        stop = int(run["stop"][0])
        if self._keys is not None:
            arrivals: NDArray[np.float64] = self._world.arrival_s[first:stop]
            if planned:  # the kernel adds what the arrival is worth, which it knows for retries too
                arrivals = np.zeros(stop - first)
            keys = self._keys.of(first - planned, stop - planned, arrivals)
            self._world.keys[first:stop] = keys
        return stop > first

    def _start(self, now: float) -> float:
        """When the next phase starts."""
        if self._opened == 0:
            return 0.0
        former = self._segments[self._opened - 1]
        ended = self._start_s + former.duration_s
        return (max(now, ended) if former.drain else ended) + former.pause_s
