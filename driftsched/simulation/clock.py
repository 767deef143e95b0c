"""SimPy's environment, with exact times and a stated order at one instant."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import count

import simpy

__all__ = ["Alarm", "Clock", "Steps"]

Steps = Generator[simpy.Event, None, None]
"""What a SimPy process, or a part of one, goes through."""

FIRST_RANK = 2
"""SimPy's own events (a process begins, is interrupted) come first at an instant, with 0 and 1."""


class Timeout(simpy.Timeout):
    """A timeout with a place in the order of what happens at one instant."""

    def __init__(self, clock: Clock, delay_s: float, rank: int) -> None:
        self.rank = rank
        super().__init__(clock, delay_s)


class Clock(simpy.Environment):
    """A `simpy.Environment` that waits until a time, not for a delay.

    What a replica computed as the end of an iteration is the very time at which it goes on, so that
    times can be compared for equality; and whatever falls on one instant happens in a stated order:
    lower `order` first, then whoever began to wait first.

    Attributes
    ----------
    pending : int
        How many wait for a time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pending = 0
        self._numbers = count()

    def schedule(
        self, event: simpy.Event, priority: int = simpy.events.NORMAL, delay: float = 0
    ) -> None:
        super().schedule(event, getattr(event, "rank", priority), delay)  # type: ignore[arg-type]

    def run_out(self) -> None:
        """Go on until nobody waits for a time: alarms that were cancelled keep nobody."""
        while self.pending or self.peek() <= self.now:
            self.step()

    def rank(self, order: int) -> int:
        """Place of somebody who begins to wait now."""
        return ((order + FIRST_RANK) << 40) + next(self._numbers)

    def until(self, time_s: float, rank: int) -> Steps:
        """Wait until exactly `time_s`, not before now.

        SimPy adds a delay to its time, which rounds; the difference of two numbers of which neither
        is over twice the other does not (Sterbenz). So a long way is gone in two steps.
        """
        self.pending += 1
        try:
            if 2 * self.now < time_s:
                yield Timeout(self, 0.75 * (time_s - self.now), rank)
            yield Timeout(self, time_s - self.now, rank)
        finally:
            self.pending -= 1

    def at(self, time_s: float, order: int, call: Callable[[Alarm], None]) -> Alarm:
        """Let `call(alarm)` happen at `time_s`, unless the alarm is cancelled before."""
        return Alarm(self, time_s, order, call)


class Alarm:
    """A call at a time, unless it is cancelled before: a timeout with a callback, no process."""

    def __init__(
        self, clock: Clock, time_s: float, order: int, call: Callable[[Alarm], None]
    ) -> None:
        self._clock, self._time_s, self._call = clock, time_s, call
        self._rank = clock.rank(order)
        self._set = True
        clock.pending += 1
        self._wait()

    def _wait(self, _: simpy.Event | None = None) -> None:
        """Go the rest of the way, or most of a long one; see `Clock.until`."""
        if self._set:
            to_go, near = self._time_s - self._clock.now, 2 * self._clock.now >= self._time_s
            timeout = Timeout(self._clock, to_go if near else 0.75 * to_go, self._rank)
            timeout.callbacks.append(self._ring if near else self._wait)

    def _ring(self, _: simpy.Event) -> None:
        if self._set:
            self.cancel()
            self._call(self)

    def cancel(self) -> None:
        """Let the time pass without the call."""
        if self._set:
            self._set = False
            self._clock.pending -= 1
