"""Scenario events for the slow engine: flags that its replicas look at."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isnan

from driftsched.gateway.gateway import Gateway
from driftsched.scenario import Scenario
from driftsched.scenario.events import Autoscale, Operations, ScheduledAction
from driftsched.scheduling.request import Request
from tests.support.slow_replicas import SlowReplica

CHECK = "check"


@dataclass
class SlowOperations:
    """Carries out events one by one."""

    scenario: Scenario
    gateway: Gateway
    replicas: list[SlowReplica]
    central: bool
    coming: list[ScheduledAction] = field(default_factory=list)
    down: list[int] = field(default_factory=list)  # a number for each outage under way
    draining: list[int] = field(default_factory=list)
    staying: set[int] = field(default_factory=set)  # in the cluster, and not about to leave
    running: set[int] = field(default_factory=set)  # started, and not gone
    starting: dict[int, ScheduledAction] = field(default_factory=dict)
    rule: Autoscale | None = None
    check: int = 0
    cool_s: float = 0.0

    def __post_init__(self) -> None:
        moments = [moment for event in self.scenario.events for moment in event.moments()]
        self.coming = sorted(moments, key=lambda moment: moment.at_s)
        self.staying = set(range(len(self.scenario.cluster.machines)))
        self.running = set(self.staying)
        self.show()

    def next_s(self) -> float:
        return self.coming[0].at_s if self.coming else inf

    def act(self, now: float, others_s: float) -> bool:
        """Do the first of them; False where an autoscaler looked and left things alone."""
        self.now = now
        moment = self.coming.pop(0)
        if moment.label != CHECK:
            moment.act(self)
            return True
        return self.autoscaled(min(others_s, self.next_s(), *(r.due for r in self.replicas)))

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
        self.replicas[number].news = True

    def unslow(self, number: int, factor: float) -> None:
        self.replicas[number].factors.remove(factor)
        self.replicas[number].news = True

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

    def plan(self, moment: ScheduledAction) -> ScheduledAction:
        """Let something come, after all that comes at its time."""
        insort(self.coming, moment, key=lambda one: one.at_s)
        return moment

    def scale_out(self, replicas: int, start_up_s: float) -> None:
        for _ in range(replicas):
            away = [n for n in range(len(self.replicas)) if n not in self.staying]
            kept = [n for n in away if n in self.running]
            number = kept[0] if kept else away[0]
            self.staying.add(number)
            if not kept:
                opens = ScheduledAction(self.now + start_up_s, self.opening(number), "")
                self.starting[number] = self.plan(opens)
            self.show()

    def opening(self, number: int) -> Callable[[Operations], None]:
        def open_it(_: Operations) -> None:
            del self.starting[number]
            self.running.add(number)
            self.show()

        return open_it

    def scale_in(self, replicas: int) -> None:
        for _ in range(replicas):
            if len(self.staying) == 1:
                return
            number = max(self.staying)
            self.staying.remove(number)
            if number in self.starting:
                self.coming.remove(self.starting.pop(number))
            self.show()
            replica = self.replicas[number]
            chosen = [r for r in replica.heads if isnan(r.dispatch_s)]
            replica.heads = [r for r in replica.heads if r not in chosen]
            self.put_back(chosen)
            self.gateway.reroute(number)
            self.see_off()

    def see_off(self) -> None:
        """Those that were to leave and have nothing more are gone."""
        for number in self.running - self.staying:
            if not self.replicas[number].inside and not self.replicas[number].heads:
                self.running.remove(number)

    def autoscale(self, rule: Autoscale) -> None:
        self.rule = rule
        self.plan_check()

    def plan_check(self) -> None:
        if self.rule is None or any(moment.label == CHECK for moment in self.coming):
            return
        self.check += 1
        while self.check * self.rule.every_s <= self.now:
            self.check += 1
        self.plan(ScheduledAction(self.check * self.rule.every_s, lambda _: None, CHECK))

    def autoscaled(self, others_s: float) -> bool:
        assert self.rule is not None
        coming, waiting = others_s < inf, self.gateway.waiting
        if not coming and not waiting:
            return False
        serving = [n for n in self.running & self.staying if n not in self.down + self.draining]
        wanted = self.rule.wanted(waiting, len(serving), len(self.staying))
        acts = wanted != 0 and self.now >= self.cool_s
        if acts:
            self.cool_s = self.now + self.rule.cool_down_s
            self.scale_out(1, self.rule.start_up_s) if wanted > 0 else self.scale_in(1)
        if coming or acts or wanted > 0:
            self.plan_check()
        return acts

    def show(self) -> None:
        for number, replica in enumerate(self.replicas):
            down, draining = number in self.down, number in self.draining
            away = number not in self.staying or number not in self.running
            replica.shut = down or away or (draining and self.central)
            self.gateway.accept(number, accepting=not (down or draining or away))
