"""Scenario events for the slow engine: flags that its replicas look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isnan

from driftsched.scenario import Scenario
from driftsched.scenario.events import Moment
from driftsched.scheduling.gateway import Gateway
from driftsched.scheduling.request import Request
from tests.support.slow_replicas import SlowReplica


@dataclass
class SlowOperations:
    """Carries out events one by one."""

    scenario: Scenario
    gateway: Gateway
    replicas: list[SlowReplica]
    central: bool
    coming: list[Moment] = field(default_factory=list)
    down: list[int] = field(default_factory=list)  # a number for each outage under way
    draining: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        moments = [moment for event in self.scenario.events for moment in event.moments()]
        self.coming = sorted(moments, key=lambda moment: moment.at_s)

    def next_s(self) -> float:
        return self.coming[0].at_s if self.coming else inf

    def act(self, now: float) -> None:
        self.now = now
        self.coming.pop(0).act(self)

    def fail(self, number: int, *, requeue: bool) -> None:
        self.down.append(number)
        self.show()
        replica = self.replicas[number]
        replica.drop_gone(self.now)
        inside = [*replica.inside, *(r for r in replica.heads if not isnan(r.dispatch_s))]
        chosen = [r for r in replica.heads if isnan(r.dispatch_s)]
        replica.forget()
        for request in sorted(inside, key=lambda r: r.request_id):
            if requeue:
                self.gateway.requeue(request, self.now)
            else:
                reason = f"replica {number} went down"
                self.gateway.abandon(request, self.now, "failed", reason)
        self.put_back(chosen)
        self.gateway.reroute(number)

    def put_back(self, chosen: list[Request]) -> None:
        for request in sorted(chosen, key=lambda r: r.request_id):
            self.gateway.put_back(request)

    def repair(self, number: int) -> None:
        self.down.remove(number)
        self.show()

    def slow(self, number: int, factor: float) -> None:
        self.replicas[number].factors.append(factor)

    def unslow(self, number: int, factor: float) -> None:
        self.replicas[number].factors.remove(factor)

    def drain(self, number: int) -> None:
        self.draining.append(number)
        self.show()
        replica = self.replicas[number]
        if self.central and number not in self.down:
            chosen = [r for r in replica.heads if isnan(r.dispatch_s)]
            replica.heads = [r for r in replica.heads if r not in chosen]
            self.put_back(chosen)

    def resume(self, number: int) -> None:
        self.draining.remove(number)
        self.show()

    def show(self) -> None:
        for number, replica in enumerate(self.replicas):
            down, draining = number in self.down, number in self.draining
            replica.shut = down or (draining and self.central)
            self.gateway.accept(number, accepting=not (down or draining))
