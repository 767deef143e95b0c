"""Clients that react, for the slow engine: lists that are searched, ends that are looked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isnan

import numpy as np

from driftsched.gateway.gateway import Gateway
from driftsched.scenario import Scenario
from driftsched.scheduling.request import Request
from driftsched.workload.streams import COMPONENTS
from driftsched.workload.table import Workload
from tests.support.slow_replicas import SlowReplica


@dataclass
class Plan:
    """Something to come: `order` and `number` decide between those of one time."""

    time_s: float
    order: int  # 0 a phase begins, 1 a row's first try, 2 another try
    number: int  # of the phase, the row, or the request tried before


@dataclass
class Leaving:
    """A client will leave then, if its request has not come far enough."""

    time_s: float
    request: Request
    status: str
    reason: str
    to_first_token: bool


@dataclass
class SlowClients:
    """Stands in for `Arrivals` where clients react."""

    scenario: Scenario
    workload: Workload
    gateway: Gateway
    planned: list[Request]
    replicas: list[SlowReplica]
    requests: list[Request] = field(default_factory=list)
    row: dict[Request, int] = field(default_factory=dict)
    tries: dict[Request, int] = field(default_factory=dict)
    former: dict[Request, int] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)
    leaving: list[Leaving] = field(default_factory=list)
    open: list[Request] = field(default_factory=list)  # whose clients wait
    starts: list[float] = field(default_factory=list)

    def open_next(self, start_s: float) -> None:
        number = len(self.starts)
        self.starts.append(start_s)
        segment = self.workload.segments[number]
        users: set[int] = set()
        for row in range(segment.first, segment.stop):
            user = -1 if self.workload.user is None else int(self.workload.user[row])
            if user < 0:
                self.plans.append(Plan(start_s + float(self.workload.arrival_s[row]), 1, row))
            elif user not in users:
                users.add(user)
                self.think(row, start_s)
        if not segment.drain and not self.counts(number):
            self.begin_next(start_s + segment.duration_s)

    def counts(self, number: int) -> bool:
        """Whether a phase has users and ends with a number of requests."""
        segment = self.workload.segments[number]
        has_users = segment.closed_first is not None and segment.closed_first < segment.stop
        return has_users and self.scenario.phases[number].duration_s is None

    def begin_next(self, ends_s: float) -> None:
        number = len(self.starts)
        if number < len(self.workload.segments):
            begins_s = ends_s + self.workload.segments[number - 1].pause_s
            self.plans.append(Plan(begins_s, 0, number))

    def think(self, row: int, now: float) -> None:
        number = int(self.workload.phases[row])
        assert self.workload.think_s is not None
        at_s = now + float(self.workload.think_s[row])
        if self.scenario.phases[number].duration_s is None or (
            at_s <= self.starts[number] + self.workload.segments[number].duration_s
        ):
            self.plans.append(Plan(at_s, 1, row))

    def next_s(self) -> float:
        return min((plan.time_s for plan in self.plans), default=inf)

    def submit_due(self, now: float) -> None:
        due = [plan for plan in self.plans if plan.time_s <= now]
        if not due:
            return
        plan = min(due, key=lambda one: (one.time_s, one.order, one.number))
        self.plans.remove(plan)
        if plan.order == 0:
            self.open_next(now)
        elif plan.order == 1:
            self.submit(self.planned[plan.number], plan.number, 1, -1, now)
            number = int(self.workload.phases[plan.number])
            segment = self.workload.segments[number]
            made = sum(
                segment.first <= self.row[one] < segment.stop and self.tries[one] == 1
                for one in self.requests
            )
            last = made == segment.stop - segment.first
            if self.counts(number) and last and not segment.drain:
                self.begin_next(now)
        else:
            former = self.requests[plan.number]
            self.submit(former.again(), self.row[former], self.tries[former] + 1, plan.number, now)
        self.look(now)

    def submit(self, request: Request, row: int, tries: int, former: int, now: float) -> None:
        request.request_id, request.arrival_s = len(self.requests), now
        self.requests.append(request)
        self.row[request], self.tries[request], self.former[request] = row, tries, former
        self.open.append(request)
        if not self.gateway.submit(request, now):
            return
        patience = self.scenario.tenants[request.tenant].patience
        drawn = self.workload.patience_s
        first_s, all_s = patience.first_token_timeout_s, patience.timeout_s
        own_s = None if drawn is None or drawn[row] == inf else float(drawn[row])
        waits = [
            (all_s, "timed_out", f"not finished within {all_s or 0:g} s", False),
            (first_s, "timed_out", f"no first token within {first_s or 0:g} s", True),
            (own_s, "cancelled", "hung up before the first token", True),
        ]
        # Two that differ by less than the clock can tell: the shorter comes first.
        waits.sort(key=lambda wait: inf if wait[0] is None else wait[0])
        for after_s, status, reason, to_first_token in waits:
            if after_s is not None:
                at_s = now + after_s
                self.leaving.append(Leaving(at_s, request, status, reason, to_first_token))

    def look(self, now: float) -> None:
        """Find those who have ended, and let their clients go on."""
        for request in [one for one in self.open if one.status]:
            self.open.remove(request)
            self.react(request, request.status, now)

    def react(self, request: Request, status: str, now: float) -> None:
        self.leaving = [one for one in self.leaving if one.request is not request]
        retries, row = self.scenario.tenants[request.tenant].retries, self.row[request]
        tries = self.tries[request]
        if status in retries.after and tries < retries.attempts:
            number = int(self.workload.phases[row])
            place = row - self.workload.segments[number].first
            key = (COMPONENTS.index("retries"), number, place, tries)
            seeds = np.random.SeedSequence(self.scenario.seed, spawn_key=key)
            uniform = float(np.random.default_rng(seeds).random())
            self.plans.append(Plan(now + retries.pause_s(tries, uniform), 2, request.request_id))
        elif self.workload.user is not None and self.workload.user[row] >= 0:
            later = np.flatnonzero(self.workload.user == self.workload.user[row])
            later = later[later > row]
            if len(later):
                self.think(int(later[0]), now)

    def next_leaving_s(self) -> float:
        return min((one.time_s for one in self.leaving), default=inf)

    def leave_due(self, now: float) -> None:
        """The first whose time has come leaves; its client goes on at once."""
        one = min(self.leaving, key=lambda each: (each.time_s, each.request.request_id))
        request = one.request
        self.leaving.remove(one)
        if one.to_first_token and not isnan(request.first_token_s):
            return
        self.open.remove(request)
        self.react(request, one.status, now)
        for replica in self.replicas:
            if replica.forsake(request, one.status, one.reason, now):
                return
        self.gateway.withdraw(request, now, one.status, one.reason)

    def all_ended(self, now: float) -> None:
        """Begin the next phase where nothing waits, runs or comes."""
        if not self.plans and not self.open and len(self.starts) < len(self.workload.segments):
            segment = self.workload.segments[len(self.starts) - 1]
            self.begin_next(max(now, self.starts[-1] + segment.duration_s))
