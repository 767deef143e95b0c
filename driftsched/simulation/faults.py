"""Faults and operations: what scenario events do to the simulated replicas.

`FleetOperations` carries events out, `Members` knows which replicas are in the cluster, and
`Autoscaler` is the process that decides it as the run goes.
"""

from __future__ import annotations

from math import floor, prod
from typing import TYPE_CHECKING

from driftsched.gateway.interfaces import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftsched.gateway.gateway import Gateway
    from driftsched.scenario.events import Autoscale, EventBase, ScheduledAction
    from driftsched.simulation.clock import Alarm, Clock, Steps
    from driftsched.simulation.replica import Replica

__all__ = ["FleetOperations"]


class FleetOperations:
    """Carries out scenario events; events of one instant in their order in the scenario.

    Parameters
    ----------
    clock : Clock
        At time 0.
    replicas : sequence of Replica
        Those concerned.
    gateway : Gateway
        In front of them.
    events : sequence of EventBase
        The scenario's.
    first : int
        Replicas that are there from the start on; events may add the others.

    Attributes
    ----------
    states : list of list
        Of each replica rows (time_s, state): absent, starting, up, slow, draining, down.
    """

    def __init__(
        self,
        clock: Clock,
        replicas: Sequence[Replica],
        gateway: Gateway,
        events: Sequence[EventBase],
        first: int,
    ) -> None:
        count = len(replicas)
        self._clock, self._replicas, self._gateway = clock, replicas, gateway
        self._down, self._draining = [0] * count, [0] * count
        self._factors: list[list[float]] = [[] for _ in range(count)]
        self._costs = [replica.cost for replica in replicas]
        self._members = Members(clock, first, count, self._member_changed)
        self._scaler: Autoscaler | None = None
        self.states: list[list[tuple[float, str]]] = [[] for _ in range(count)]
        for number in range(count):
            self._set(number)
        for event in events:
            for action in event.moments():
                clock.process(self._carry_out(action, clock.rank(EVENTS)))

    def _carry_out(self, action: ScheduledAction, rank: int) -> Steps:
        """The process of one event: wait for its time, act."""
        yield from self._clock.until(action.at_s, rank)
        action.act(self)
        self._look()

    def fail(self, number: int, *, requeue: bool) -> None:
        self._down[number] += 1
        now, gateway, replica = self._clock.now, self._gateway, self._replicas[number]
        self._set(number)
        running, chosen = replica.crash(now)
        for request in sorted(running, key=lambda one: one.request_id):
            if requeue:
                gateway.requeue(request, now)
            else:
                gateway.abandon(request, now, "failed", f"replica {number} went down")
        for request in sorted(chosen, key=lambda one: one.request_id):
            gateway.put_back(request)
        gateway.reroute(number)
        self.see_off(number)

    def repair(self, number: int) -> None:
        self._down[number] -= 1
        self._set(number)

    def slow(self, number: int, factor: float) -> None:
        self._factors[number].append(factor)
        self._reprice(number)

    def unslow(self, number: int, factor: float) -> None:
        self._factors[number].remove(factor)
        self._reprice(number)

    def _reprice(self, number: int) -> None:
        whole = prod(self._factors[number])
        cost = self._costs[number]
        replica = self._replicas[number]
        replica.reprice(cost if whole == 1 else cost.slowed(whole), self._clock.now)
        self._set(number)

    def drain(self, number: int) -> None:
        self._draining[number] += 1
        self._set(number)

    def resume(self, number: int) -> None:
        self._draining[number] -= 1
        self._set(number)

    def scale_out(self, replicas: int, start_up_s: float) -> None:
        self._members.scale_out(replicas, start_up_s)

    def scale_in(self, replicas: int) -> None:
        self._members.scale_in(replicas)

    def autoscale(self, rule: Autoscale) -> None:
        self._scaler = Autoscaler(self._clock, rule, self._members, self._queued, self._look)

    def go_on(self) -> None:
        """Let an autoscaler that had nothing more to expect look again."""
        if self._scaler is not None:
            self._scaler.go_on()

    def _queued(self) -> tuple[int, int]:
        """Requests that wait, and replicas that take requests."""
        numbers = range(len(self.states))
        return self._gateway.waiting, sum(self._state(one) in ("up", "slow") for one in numbers)

    def _look(self) -> None:
        """Let every replica look for requests, after something has changed."""
        for replica in self._replicas:
            replica.notify(self._clock.now)

    def _member_changed(self, number: int) -> None:
        self._set(number)
        phase = self._members.phase(number)
        if phase == "draining":
            self._gateway.reroute(number)
            self.see_off(number)
        elif phase == "up":
            self._look()

    def see_off(self, number: int) -> None:
        """Let a replica leave that is about to, and has nothing more."""
        if self._members.phase(number) == "draining" and self._replicas[number].empty:
            self._members.left(number)

    def _set(self, number: int) -> None:
        """Let the replica draw, and the router send, as its state says; take note of it."""
        down, draining = self._down[number] > 0, self._draining[number] > 0
        closed = self._members.phase(number) != "up" or (
            draining and len(self._gateway.queues) == 1
        )
        replica = self._replicas[number]
        replica.closed = down or closed
        if closed and not down:
            for request in sorted(replica.hand_back(), key=lambda one: one.request_id):
                self._gateway.put_back(request)
        state = self._state(number)
        self._gateway.accept(number, accepting=state in ("up", "slow"))
        self.states[number].append((self._clock.now, state))

    def _state(self, number: int) -> str:
        phase = self._members.phase(number)
        if phase != "absent" and self._down[number]:
            return "down"
        if phase != "up":
            return phase
        if self._draining[number]:
            return "draining"
        return "slow" if self._factors[number] else "up"


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
        self._starts: dict[int, Alarm] = {}

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

    def _opening(self, number: int) -> Callable[[Alarm], None]:
        def begin(_: Alarm) -> None:
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
        self._asleep = clock.event()
        clock.process(self._run())

    def go_on(self) -> None:
        """Look again, where there was nothing more to expect."""
        if not self._asleep.triggered:
            self._asleep.succeed()

    def _run(self) -> Steps:
        clock, every_s, number = self._clock, self._rule.every_s, 0
        self._asleep.succeed()
        while True:
            number = max(number, floor(clock.now / every_s)) + 1
            yield from clock.until(number * every_s, clock.rank(EVENTS))
            if not self._check():
                self._asleep = clock.event()
                yield self._asleep

    def _check(self) -> bool:
        """Add or take away a replica where the rule wants it; False where nothing is to come."""
        now, coming = self._clock.now, self._clock.pending > 0
        waiting, serving = self._queued()
        if not (waiting or coming):
            return False
        wanted = self._rule.wanted(waiting, serving, self._members.count)
        acts = wanted != 0 and now >= self._cool_s
        if acts:
            self._cool_s = now + self._rule.cool_down_s
            if wanted > 0:
                self._members.scale_out(1, self._rule.start_up_s)
            else:
                self._members.scale_in(1)
            self._look()
        return coming or acts or wanted > 0
