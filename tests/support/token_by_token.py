"""A slow engine that computes every iteration by itself, to prove the jump-ahead right.

It shares the gateway and the cost of one iteration with the simulator, and nothing else: no SimPy,
no closed form, no heaps of leaving requests, no foresight, its own handling of phases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from driftsched.gateway.clients import react
from driftsched.gateway.gateway import Gateway
from driftsched.scenario import Scenario
from driftsched.scheduling.request import Request
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.workload.budgets import prepare_budgets
from driftsched.workload.requests import make_requests
from driftsched.workload.table import Segment, Workload
from tests.support.slow_clients import SlowClients
from tests.support.slow_events import SlowOperations
from tests.support.slow_replicas import SlowContinuous, SlowGang, SlowReplica


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

    def next_leaving_s(self) -> float:
        return inf

    def leave_due(self, now: float) -> None:
        raise AssertionError("nobody leaves")

    def look(self, now: float) -> None:
        """Nobody reacts."""

    def next_s(self) -> float:
        return self.coming[0].arrival_s if self.coming else inf


def build(scenario: Scenario) -> tuple[Gateway, list[SlowReplica]]:
    machines = scenario.machines
    capacities = [kv_capacity_tokens(machine) for machine in machines]
    if scenario.engine.kv == "paged":
        size = scenario.engine.block_tokens
        capacities = [tokens // size * size for tokens in capacities]
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
            gateway.queues[number if own else 0],
            machine.build_cost(),
            capacities[number],
            number,
        )
        for number, machine in enumerate(machines)
    ]
    return gateway, replicas


def fail_stranded(
    gateway: Gateway, arrivals: Arrivals | SlowClients, operations: SlowOperations, now: float
) -> bool:
    """End those who wait when nothing more will happen; False where nobody does."""
    if not gateway.waiting:
        return False
    for request in [one for one in arrivals.requests if not one.status]:
        gateway.withdraw(request, now, "failed", "no replica came back to serve it")
    operations.plan_check()
    arrivals.look(now)
    arrivals.all_ended(now)
    return True


def token_by_token(  # noqa: C901  one branch a kind of event, in their order
    scenario: Scenario, workload: Workload
) -> tuple[list[Request], list[SlowReplica]]:
    """Run a scenario one iteration at a time; the requests as they ended, and the replicas."""
    requests = make_requests(scenario, workload, prepare_budgets(scenario, workload))
    gateway, replicas = build(scenario)
    arrivals: Arrivals | SlowClients
    if scenario.events or react(scenario, workload):
        arrivals = SlowClients(scenario, workload, gateway, requests, replicas)
    else:
        arrivals = Arrivals(gateway, requests, list(workload.segments))
    central = len({id(replica.queue) for replica in replicas}) < len(replicas) or len(replicas) == 1
    operations = SlowOperations(scenario, gateway, replicas, central)
    arrivals.open_next(0.0)
    last_s = 0.0
    while True:
        coming_s, leaving_s = arrivals.next_s(), arrivals.next_leaving_s()
        now = min(coming_s, leaving_s, operations.next_s(), *(replica.due for replica in replicas))
        if now == inf:
            if not fail_stranded(gateway, arrivals, operations, last_s):
                return arrivals.requests, replicas
            continue
        changed = True
        if coming_s <= now:
            arrivals.submit_due(now)
        elif operations.next_s() <= now:
            if not operations.act(now, min(coming_s, leaving_s)):
                continue
        elif leaving_s <= now:
            arrivals.leave_due(now)
        else:
            # One replica's turn at a time, the lowest number first.
            changed = next(replica for replica in replicas if replica.due == now).turn(now)
        last_s = now
        arrivals.look(now)
        operations.see_off()
        if changed:
            for replica in replicas:
                replica.changed(now)
        if not gateway.waiting and not any(r.inside or r.heads for r in replicas):
            arrivals.all_ended(now)
