"""Which replicas are in the cluster: they start, serve, leave; and who decides it as it runs."""

from __future__ import annotations

from math import floor, inf
from typing import TYPE_CHECKING

from driftsched.simulation.world import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftsched.scenario.events import Autoscale
    from driftsched.simulation.clock import Appointment, Clock
    from driftsched.simulation.replica import Source

__all__ = ["Autoscaler", "LastOut", "Members"]


class Members:
    """The cluster's replicas by number: of all that there can be, those that there are.

    Parameters
    ----------
    clock : Clock
        At time 0.
    first, most : int
        Replicas from the start on, and at most.
    changed : callable
        Told the number of each replica whose phase changes, after the change.
    """

    def __init__(self, clock: Clock, first: int, most: int, changed: Callable[[int], None]) -> None:
        self._clock, self._changed = clock, changed
        self._staying = [number < first for number in range(most)]
        self._running = list(self._staying)
        self._starts: dict[int, Appointment] = {}

    @property
    def count(self) -> int:
        """Replicas in the cluster that are not about to leave."""
        return sum(self._staying)

    def phase(self, number: int) -> str:
        """Say absent, starting, up or draining."""
        if self._staying[number]:
            return "up" if self._running[number] else "starting"
        return "draining" if self._running[number] else "absent"

    def scale_out(self, replicas: int, start_up_s: float) -> None:
        """Keep those that were about to leave, then start others, the lowest numbers first."""
        for _ in range(replicas):
            away = [number for number, stays in enumerate(self._staying) if not stays]
            number = min(away, key=lambda one: (not self._running[one], one))
            self._staying[number] = True
            if not self._running[number]:
                opens_s = self._clock.now + start_up_s
                self._starts[number] = self._clock.at(opens_s, EVENTS, self._opening(number))
            self._changed(number)

    def _opening(self, number: int) -> Callable[[Appointment], None]:
        def begin(_: Appointment) -> None:
            del self._starts[number]
            self._running[number] = True
            self._changed(number)

        return begin

    def scale_in(self, replicas: int) -> None:
        """Let the highest numbers leave, but not the last one."""
        for _ in range(min(replicas, self.count - 1)):
            number = max(one for one, stays in enumerate(self._staying) if stays)
            self._staying[number] = False
            start = self._starts.pop(number, None)
            if start is not None:
                start.cancel()
            self._changed(number)

    def left(self, number: int) -> None:
        """Take note that one that was about to leave has ended all that it had."""
        self._running[number] = False
        self._changed(number)


class LastOut:
    """The source of a replica that is about to leave: it hears when the replica has ended all."""

    next_s = inf

    def __init__(self, source: Source, left: Callable[[], None]) -> None:
        self.source, self._left = source, left

    def advance(self, now: float) -> None:
        """Nothing to do: every arrival is announced."""

    def idle(self, now: float) -> bool:
        """Let it leave."""
        self._left()
        return self.source.idle(now)


class Autoscaler:
    """Looks every so often, and adds or takes away one replica, as its rule wants.

    Checks are at multiples of `every_s`. They end where nothing else is to come on the clock and
    no replica will be added, so that a run ends.

    Parameters
    ----------
    clock : Clock
        At time 0.
    rule : Autoscale
        Of the scenario.
    members : Members
        Whom it changes.
    queued : callable
        Gives the requests that wait and the replicas that take requests.
    look : callable
        Called after a change.
    """

    def __init__(
        self,
        clock: Clock,
        rule: Autoscale,
        members: Members,
        queued: Callable[[], tuple[int, int]],
        look: Callable[[], None],
    ) -> None:
        self._clock, self._rule, self._members = clock, rule, members
        self._queued, self._look = queued, look
        self._cool_s = 0.0
        self._number = 0  # of the last check
        self._planned = False

    def plan(self) -> None:
        """Set the next check, where none is set."""
        if not self._planned:
            self._planned = True
            every_s = self._rule.every_s
            self._number = max(self._number, floor(self._clock.now / every_s)) + 1
            self._clock.at(self._number * every_s, EVENTS, self._check)

    def _check(self, _: Appointment) -> None:
        self._planned = False
        now, coming = self._clock.now, self._clock.pending
        waiting, serving = self._queued()
        if not (waiting or coming):
            return
        wanted = self._rule.wanted(waiting, serving, self._members.count)
        acts = wanted != 0 and now >= self._cool_s
        if acts:
            self._cool_s = now + self._rule.cool_down_s
            if wanted > 0:
                self._members.scale_out(1, self._rule.start_up_s)
            else:
                self._members.scale_in(1)
            self._look()
        if coming or acts or wanted > 0:
            self.plan()
