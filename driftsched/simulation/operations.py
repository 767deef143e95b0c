"""What scenario events do to the simulated replicas."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from driftsched.serving.slowed import Slowed
from driftsched.simulation.clock import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftsched.scenario.events import EventBase, Moment
    from driftsched.scheduling.gateway import Gateway
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

    Attributes
    ----------
    states : list of list
        Of each replica rows (time_s, state): up, slow, draining, down.
    """

    def __init__(self, clock: Clock, fleet: Fleet, events: Sequence[EventBase]) -> None:
        count = len(fleet.replicas)
        self._clock, self._fleet = clock, fleet
        self._gateway: Gateway = fleet.gateway
        self._down, self._draining = [0] * count, [0] * count
        self._factors: list[list[float]] = [[] for _ in range(count)]
        self._costs = [replica.cost for replica in fleet.replicas]
        self.states: list[list[tuple[float, str]]] = [[(0.0, "up")] for _ in range(count)]
        for event in events:
            for moment in event.moments():
                clock.at(moment.at_s, EVENTS, self._doing(moment))

    def _doing(self, moment: Moment) -> Callable[[Appointment], None]:
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

    def _set(self, number: int) -> None:
        """Let the replica draw, and the router send, as its state says; take note of it."""
        down, draining = self._down[number] > 0, self._draining[number] > 0
        central = self._fleet.central
        replica = self._fleet.replicas[number]
        replica.shut(down or (draining and central))
        if draining and central and not down:
            for request in sorted(replica.hand_back(), key=lambda one: one.request_id):
                self._gateway.put_back(request)
        self._gateway.accept(number, accepting=not (down or draining))
        state = "down" if down else "draining" if draining else "up"
        if state == "up" and self._factors[number]:
            state = "slow"
        self.states[number].append((self._clock.now, state))
