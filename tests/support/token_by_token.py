"""A slow engine that computes every iteration by itself, to prove the jump-ahead right.

It shares the gateway and the cost of one iteration with the simulator, and nothing else: no SimPy,
no closed form, no heaps of leaving requests, its own handling of phases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from driftsched.estimation.budget import prepare_budgets
from driftsched.scenario import Scenario
from driftsched.scheduling.gateway import Gateway
from driftsched.scheduling.intake import make_requests
from driftsched.scheduling.request import Request
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
    draining: bool = False
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

    def next_s(self, now: float) -> float:
        """Next arrival when nothing waits or runs; inf at the end."""
        if not self.coming and self.opened < len(self.segments):
            ended = self.segments[self.opened - 1]
            self.open_next(max(now, self.start_s + ended.duration_s) + ended.pause_s)
        return self.coming[0].arrival_s if self.coming else inf

    def peek_s(self) -> float:
        return self.coming[0].arrival_s if self.coming else inf


@dataclass
class Engine:
    """The batch, one token at a time."""

    scenario: Scenario
    gateway: Gateway
    arrivals: Arrivals
    iterations: int = 0
    stalled: Request | None = None

    def __post_init__(self) -> None:
        cluster = self.scenario.cluster
        self.cost = cluster.build_cost()
        self.capacity = kv_capacity_tokens(cluster)

    def admit(self, running: list[Request], now: float) -> list[Request]:
        taken: list[Request] = []
        while len(running) + len(taken) < self.scenario.engine.batch_size:
            request = self.stalled or self.gateway.next(now)
            self.stalled = None
            if request is None:
                break
            held = sum(r.prompt_tokens + r.max_output_tokens for r in running + taken)
            if held + request.prompt_tokens + request.max_output_tokens > self.capacity:
                self.stalled = request
                break
            request.dispatch_s = now
            taken.append(request)
        return taken

    def iterate(self, decoding: dict[Request, int], joining: list[Request]) -> float:
        self.iterations += 1
        tokens = len(decoding) + sum(r.prompt_tokens for r in joining)
        kv = sum(request.prompt_tokens + done for request, done in decoding.items())
        squares = sum(r.prompt_tokens**2 for r in joining)
        requests = len(decoding) + len(joining)
        return self.cost.iteration(tokens, kv, squares, requests, len(joining))

    def continuous(self) -> None:
        now, running = 0.0, dict[Request, int]()
        self.arrivals.submit_due(now)
        while True:
            joining = self.admit(list(running), now)
            if not running and not joining:
                now = self.arrivals.next_s(now)
                if now == inf:
                    return
                self.arrivals.submit_due(now)
                continue
            now += self.iterate(running, joining)
            for request in running:
                running[request] += 1
            for request in joining:
                request.first_token_s = now
                running[request] = 1
            self.arrivals.submit_due(now)
            for request in sorted(running, key=lambda r: r.request_id):
                if running[request] == request.output_tokens:
                    del running[request]
                    self.gateway.finish(request, now)

    def gang(self) -> None:
        now = 0.0
        self.arrivals.submit_due(now)
        while True:
            gang = self.admit([], now)
            if not gang:
                now = self.arrivals.next_s(now)
                if now == inf:
                    return
                self.arrivals.submit_due(now)
                continue
            deadline = now + self.scenario.engine.batch_wait_s
            while len(gang) < self.scenario.engine.batch_size and not self.stalled:
                if now >= deadline:
                    break
                now = min(deadline, self.arrivals.peek_s())
                self.arrivals.submit_due(now)
                gang += self.admit(gang, now)
            now = self.run_gang(gang, now)

    def run_gang(self, gang: list[Request], now: float) -> float:
        now += self.iterate({}, gang)
        done = dict.fromkeys(gang, 1)
        for request in gang:
            request.first_token_s = now
        while True:
            decoding = {r: n for r, n in done.items() if n < r.output_tokens}
            if not decoding:
                break
            now += self.iterate(decoding, [])
            for request in decoding:
                done[request] += 1
        self.arrivals.submit_due(now)
        for request in sorted(gang, key=lambda r: r.request_id):
            self.gateway.finish(request, now)
        return now


def token_by_token(scenario: Scenario, workload: Workload) -> tuple[list[Request], Engine]:
    """Run a scenario one iteration at a time; the requests as they ended, and the engine."""
    requests = make_requests(scenario, workload, prepare_budgets(scenario, workload))
    gateway = Gateway(scenario, None, kv_capacity_tokens(scenario.cluster))
    arrivals = Arrivals(gateway, requests, list(workload.segments))
    arrivals.open_next(0.0)
    engine = Engine(scenario, gateway, arrivals)
    if scenario.engine.mode == "continuous":
        engine.continuous()
    else:
        engine.gang()
    return requests, engine
