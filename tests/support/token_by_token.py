"""A slow engine that computes every iteration by itself, to prove the jump-ahead right.

It shares the gateway and the cost of one iteration with the simulator, and nothing else: no SimPy,
no closed form, no heaps of leaving requests, no foresight, its own handling of phases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from driftsched.estimation.budget import prepare_budgets
from driftsched.scenario import Scenario
from driftsched.scheduling.gateway import Gateway
from driftsched.scheduling.intake import make_requests
from driftsched.scheduling.line import Line
from driftsched.scheduling.request import Request
from driftsched.serving.iteration import IterationCost
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.workload.table import Segment, Workload


@dataclass
class Arrivals:
    """Requests by segment, submitted as time passes."""

    gateway: Gateway
    requests: list[Request]
    segments: list[Segment]
    coming: list[Request] = field(default_factory=list)
    start_s: float = 0.0
    opened: int = 0

    def open_next(self, start_s: float) -> None:
        segment = self.segments[self.opened]
        self.opened += 1
        self.start_s = start_s
        for request in self.requests[segment.first : segment.stop]:
            request.arrival_s += start_s
            self.coming.append(request)

    def submit_due(self, now: float) -> None:
        while True:
            while self.coming and self.coming[0].arrival_s <= now:
                request = self.coming.pop(0)
                self.gateway.submit(request, request.arrival_s)
            if self.coming or self.opened == len(self.segments):
                return
            ended = self.segments[self.opened - 1]
            if ended.drain:
                return
            self.open_next(self.start_s + ended.duration_s + ended.pause_s)

    def all_ended(self, now: float) -> None:
        """Open the next segment where nothing waits, runs or comes."""
        if not self.coming and self.opened < len(self.segments):
            ended = self.segments[self.opened - 1]
            self.open_next(max(now, self.start_s + ended.duration_s) + ended.pause_s)

    def next_s(self) -> float:
        return self.coming[0].arrival_s if self.coming else inf


@dataclass
class SlowReplica:
    """One replica, one token at a time. `due` is its next turn; inf while it is idle."""

    scenario: Scenario
    gateway: Gateway
    line: Line
    cost: IterationCost
    capacity: int
    number: int
    due: float = 0.0
    iterations: int = 0
    inside: dict[Request, int] = field(default_factory=dict)  # tokens given
    in_service: bool = False
    stalled: Request | None = None
    deadline_s: float = inf

    def changed(self, now: float) -> None:
        """Something arrived or left somewhere: look, unless in the middle of an iteration."""
        if not self.in_service:
            self.due = now

    def admit(self, now: float) -> None:
        while len(self.inside) < self.scenario.engine.batch_size:
            request = self.stalled or self.line.next(now)
            self.stalled = None
            if request is None:
                break
            held = sum(r.prompt_tokens + r.max_output_tokens for r in self.inside)
            if held + request.prompt_tokens + request.max_output_tokens > self.capacity:
                self.stalled = request
                break
            request.dispatch_s = now
            request.replica = self.number
            self.inside[request] = 0

    def iterate(self, now: float) -> None:
        """Start an iteration of all inside that are not done."""
        self.iterations += 1
        self.in_service = True
        active = {r: done for r, done in self.inside.items() if done < r.output_tokens}
        joining = [r for r, done in active.items() if not done]
        tokens = len(active) - len(joining) + sum(r.prompt_tokens for r in joining)
        kv = sum(r.prompt_tokens + done for r, done in active.items() if done)
        self.due = now + self.cost.iteration(
            tokens, kv, sum(r.prompt_tokens**2 for r in joining), len(active), len(joining)
        )

    def count_tokens(self, now: float) -> None:
        for request, done in self.inside.items():
            if done == 0:
                request.first_token_s = now
            if done < request.output_tokens:
                self.inside[request] = done + 1

    def finish(self, ended: list[Request], now: float) -> None:
        for request in sorted(ended, key=lambda r: r.request_id):
            del self.inside[request]
            self.gateway.finish(request, now)

    def turn(self, now: float) -> bool:
        """Act at `now`; True where a request left."""
        raise NotImplementedError


class SlowContinuous(SlowReplica):
    def turn(self, now: float) -> bool:
        ended: list[Request] = []
        if self.in_service:
            self.in_service = False
            self.count_tokens(now)
            ended = [r for r, done in self.inside.items() if done == r.output_tokens]
            self.finish(ended, now)
        self.admit(now)
        if self.inside:
            self.iterate(now)
        else:
            self.due = inf
        return bool(ended)


class SlowGang(SlowReplica):
    def turn(self, now: float) -> bool:
        ended: list[Request] = []
        if self.in_service:
            self.count_tokens(now)
            if any(done < r.output_tokens for r, done in self.inside.items()):
                self.iterate(now)
                return False
            self.in_service = False
            ended = list(self.inside)
            self.finish(ended, now)
            self.deadline_s = inf
        self.admit(now)
        engine = self.scenario.engine
        if not self.inside:
            self.due = inf
            return bool(ended)
        self.deadline_s = min(self.deadline_s, now + engine.batch_wait_s)
        if len(self.inside) < engine.batch_size and not self.stalled and now < self.deadline_s:
            self.due = self.deadline_s
        else:
            self.iterate(now)
        return bool(ended)


def build(scenario: Scenario) -> tuple[Gateway, list[SlowReplica]]:
    machines = scenario.cluster.machines
    capacities = [kv_capacity_tokens(machine) for machine in machines]
    own = scenario.cluster.queue == "per_replica" and len(machines) > 1
    if own:
        gateway = Gateway(scenario, capacities=capacities)
    else:
        gateway = Gateway(scenario, kv_capacity=min(capacities))
    kind = SlowContinuous if scenario.engine.mode == "continuous" else SlowGang
    replicas: list[SlowReplica] = [
        kind(
            scenario,
            gateway,
            gateway.lines[number if own else 0],
            machine.build_cost(),
            capacities[number],
            number,
        )
        for number, machine in enumerate(machines)
    ]
    return gateway, replicas


def token_by_token(
    scenario: Scenario, workload: Workload
) -> tuple[list[Request], list[SlowReplica]]:
    """Run a scenario one iteration at a time; the requests as they ended, and the replicas."""
    requests = make_requests(scenario, workload, prepare_budgets(scenario, workload))
    gateway, replicas = build(scenario)
    arrivals = Arrivals(gateway, requests, list(workload.segments))
    arrivals.open_next(0.0)
    while True:
        now = min(arrivals.next_s(), *(replica.due for replica in replicas))
        if now == inf:
            return requests, replicas
        changed = arrivals.next_s() <= now
        arrivals.submit_due(now)
        if not changed:
            # One replica's turn at a time, the lowest number first.
            changed = next(replica for replica in replicas if replica.due == now).turn(now)
        if changed:
            for replica in replicas:
                replica.changed(now)
        if not gateway.waiting and not any(replica.inside for replica in replicas):
            arrivals.all_ended(now)
