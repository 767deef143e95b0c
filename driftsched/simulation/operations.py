"""What scenario events do to the simulated replicas."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from driftsched.serving.slowed import Slowed
from driftsched.simulation.scaling import Autoscaler, LastOut, Members
from driftsched.simulation.world import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftsched.gateway.gateway import Gateway
    from driftsched.scenario.events import Autoscale, EventBase, ScheduledAction
    from driftsched.simulation.clock import Appointment, Clock
    from driftsched.simulation.fleet import Fleet

__all__ = ["FleetOperations"]


class FleetOperations:
    """Carries out scenario events; events of one instant in their order in the scenario.

    Parameters
    ----------
    clock : Clock
        At time 0.
    fleet : Fleet
        Whose replicas are concerned.
    events : sequence of EventBase
        The scenario's.
    first : int
        Replicas that are there from the start on; events may add the others.

    Attributes
    ----------
    states : list of list
        Of each replica rows (time_s, state): absent, starting, up, slow, draining, down.
    """

    def __init__(self, clock: Clock, fleet: Fleet, events: Sequence[EventBase], first: int) -> None:
        count = len(fleet.replicas)
        self._clock, self._fleet = clock, fleet
        self._gateway: Gateway = fleet.gateway
        self._down, self._draining = [0] * count, [0] * count
        self._factors: list[list[float]] = [[] for _ in range(count)]
        self._costs = [replica.cost for replica in fleet.replicas]
        self._members = Members(clock, first, count, self._member_changed)
        self._scaler: Autoscaler | None = None
        self.states: list[list[tuple[float, str]]] = [[] for _ in range(count)]
        for number in range(count):
            self._set(number)
        for event in events:
            for moment in event.moments():
                clock.at(moment.at_s, EVENTS, self._doing(moment))

    def _doing(self, moment: ScheduledAction) -> Callable[[Appointment], None]:
        def act(_: Appointment) -> None:
            moment.act(self)
            self._fleet.look(self._clock.now)

        return act

    def fail(self, number: int, *, requeue: bool) -> None:
        self._down[number] += 1
        now, gateway, replica = self._clock.now, self._gateway, self._fleet.replicas[number]
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
        self._see_off(number)

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
        replica = self._fleet.replicas[number]
        replica.reprice(cost if whole == 1 else Slowed(cost, whole), self._clock.now)
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
        self._scaler.plan()

    def go_on(self) -> None:
        """Let an autoscaler that had nothing more to expect look again."""
        if self._scaler is not None:
            self._scaler.plan()

    def _queued(self) -> tuple[int, int]:
        """Requests that wait, and replicas that take requests."""
        numbers = range(len(self.states))
        return self._gateway.waiting, sum(self._state(one) in ("up", "slow") for one in numbers)

    def _look(self) -> None:
        self._fleet.look(self._clock.now)

    def _member_changed(self, number: int) -> None:
        self._set(number)
        replica, phase = self._fleet.replicas[number], self._members.phase(number)
        if isinstance(replica.source, LastOut):
            replica.source = replica.source.source
        if phase == "draining":
            self._gateway.reroute(number)
            replica.source = LastOut(replica.source, lambda: self._members.left(number))
            self._see_off(number)
        elif phase == "up":
            self._look()

    def _see_off(self, number: int) -> None:
        """Let a replica leave that is about to, and has nothing more."""
        if self._members.phase(number) == "draining" and self._fleet.replicas[number].empty:
            self._members.left(number)

    def _set(self, number: int) -> None:
        """Let the replica draw, and the router send, as its state says; take note of it."""
        down, draining = self._down[number] > 0, self._draining[number] > 0
        closed = self._members.phase(number) != "up" or (draining and self._fleet.central)
        replica = self._fleet.replicas[number]
        replica.shut(down or closed)
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
