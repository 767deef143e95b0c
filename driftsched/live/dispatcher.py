"""The dispatcher: asks the gateway for the next request when the engine has room, and calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf

from driftsched.gateway.clients import Clients
from driftsched.gateway.gateway import Gateway
from driftsched.gateway.interfaces import REPLICAS, Timer
from driftsched.live.engine import Call, Engine, EngineFacts
from driftsched.live.in_flight import STOPPED, Clock, InFlightRequest
from driftsched.live.options import LiveOptions
from driftsched.live.schedule import Schedule, ScheduledCall
from driftsched.live.traffic import LiveTraffic, prompt_text
from driftsched.scenario.model import Scenario
from driftsched.scheduling.request import Request
from driftsched.serving.batching import gang_starts

LETTING_GO_S = 0.7
"""How long stopped calls may take to free the engine before they are left behind."""


def replica_slots(scenario: Scenario, options: LiveOptions, facts: EngineFacts) -> int:
    """Requests in one replica at most: as asked, else the batch size as far as the engine goes."""
    if options.slots is not None:
        return options.slots
    return min(scenario.engine.batch_size, facts.slots or scenario.engine.batch_size)


@dataclass
class _Gang:
    """A static batch of one replica, forming or under way; `running` have not left the engine."""

    members: list[InFlightRequest] = field(default_factory=list)
    batch_id: int = 0
    deadline_s: float = 0.0
    alarm: ScheduledCall | None = None
    running: int = 0


def _wake(_: Timer) -> None:
    """Nothing to do but to look who goes next."""


class Dispatcher:
    """Drives clients and gateway on the wall clock, and hands the requests chosen to the engine.

    *Continuous batching*: at most `slots` requests in each replica, and the least busy one takes
    the next as soon as another leaves. With `engine_queue` there is no such bound: each request
    goes to the engine as it arrives, and the engine's own queue orders them by their priority.

    *Static batching*, the paper's gangs: the first request is chosen as soon as one waits; more are
    chosen as they come, until the gang is full or `batch_wait_s` is over; then nobody joins. An
    answer that is complete keeps its place, and has its end when the longest has; a failed request
    ends when it fails, one whose client leaves when the engine lets go of it.

    Everything here happens on one event loop, so that nothing needs a lock. To the clients it is
    what the modelled fleet is to them in the simulation (see `driftsched.gateway.interfaces`).
    `in_flight` has every request that was ever dispatched, by its id; `running` counts those in
    each replica.
    """

    def __init__(
        self,
        traffic: LiveTraffic,
        options: LiveOptions,
        gateway: Gateway,
        engine: Engine,
        facts: EngineFacts,
        clock: Clock,
    ) -> None:
        scenario = traffic.scenario
        self.gateway = gateway
        self.in_flight: dict[int, InFlightRequest] = {}
        self.running = [0] * facts.replicas
        self._traffic, self._options, self._engine, self._clock = traffic, options, engine, clock
        self._slots = replica_slots(scenario, options, facts)
        self._gangs = [_Gang() for _ in self.running] if scenario.engine.mode == "gang" else None
        self._batches = 0
        self._schedule = Schedule()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: dict[int, int] = {}  # tokens of those that run, as far as they were told
        if gateway.counts_tokens:
            gateway.catch_up = self._count_tokens
        self.clients = Clients(scenario, traffic.workload, self._schedule, traffic.requests, self)
        self.clients.start()

    async def serve(self) -> None:
        """Run until no request is left, and none is to come."""
        while True:
            now = self._clock()
            self._schedule.advance(now)
            if self._gangs is None:
                self._fill(now)
            else:
                for replica, gang in enumerate(self._gangs):
                    self._form(gang, replica, now)
            self.clients.idle(now)  # where all have ended, the next phase opens
            if self.empty and self._schedule.next_s == inf:
                return
            await self._sleep(self._schedule.next_s)

    async def stop(self) -> None:
        """Cancel what is in the engine and record its end; returns within a second.

        An answer that was complete, but waited for its gang, counts as finished.
        """
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LETTING_GO_S)
        now = self._clock()
        for one in self.in_flight.values():
            self._settle(one, now)

    # ---- what clients need of it -----------------------------------------------------------

    @property
    def empty(self) -> bool:
        """Whether no request waits or runs."""
        return not self.gateway.waiting and not any(self.running)

    def _count_tokens(self, now: float) -> None:
        """Tell the gateway of the tokens that came since it was last told."""
        for number in self._told:
            one = self.in_flight[number]
            self._tell_tokens(one, one.tokens)

    def _tell_tokens(self, one: InFlightRequest, tokens: int) -> None:
        """Tell it of those of one request, so many by now."""
        told = self._told[one.request.request_id]
        if tokens > told:
            self._told[one.request.request_id] = tokens
            self.gateway.generated(one.request, tokens - told)

    def arrived(self, requests: Sequence[Request], now: float) -> None:
        """Take note of requests that were submitted just now."""

    def give_up(self, request: Request, status: str, reason: str, now: float) -> None:
        """End a request whose client leaves: at once, or where it runs when the engine lets go."""
        one = self.in_flight.get(request.request_id)
        if one is None:
            self.gateway.withdraw(request, now, status, reason)
        else:
            one.leave(status, reason)
            if not one.in_engine:
                self._settle(one, now)

    # ---- who goes next ---------------------------------------------------------------------

    def _fill(self, now: float) -> None:
        """Continuous batching: dispatch while a replica has room."""
        slots = inf if self._options.engine_queue else self._slots
        batch_id = self._batches + 1
        while self.gateway.waiting and min(self.running) < slots:
            request = self.gateway.next(now)
            if request is None:
                break
            self._batches = batch_id
            replica = self.running.index(min(self.running))
            self._start(self._dispatch(request, replica, batch_id, now))

    def _form(self, gang: _Gang, replica: int, now: float) -> None:
        """Static batching: let more join a gang that is forming, and start it when it is time."""
        if gang.running:
            return
        gang.members = [one for one in gang.members if not one.request.status]
        while len(gang.members) < self._slots and self.gateway.waiting:
            request = self.gateway.next(now)
            if request is None:
                break
            if not gang.members:
                self._batches += 1
                gang.batch_id = self._batches
                gang.deadline_s = now + self._traffic.scenario.engine.batch_wait_s
                gang.alarm = self._schedule.at(gang.deadline_s, REPLICAS + replica, _wake)
            gang.members.append(self._dispatch(request, replica, gang.batch_id, now))
        size, deadline_s = len(gang.members), gang.deadline_s
        if size and gang_starts(size, self._slots, False, now, deadline_s):
            gang.running = len(gang.members)
            if gang.alarm is not None:
                gang.alarm.cancel()
            for one in gang.members:
                self._start(one)

    # ---- a request's way through the engine ------------------------------------------------

    def _dispatch(
        self, request: Request, replica: int, batch_id: int, now: float
    ) -> InFlightRequest:
        """Take a request that the gateway chose into a replica."""
        request.dispatch_s, request.batch_id, request.replica = now, batch_id, replica
        self.running[replica] += 1
        one = InFlightRequest(request, self._call(request), self._options, self._clock)
        self.in_flight[request.request_id] = one
        if self.gateway.counts_tokens:
            self._told[request.request_id] = 0
        return one

    def _call(self, request: Request) -> Call:
        scenario, workload = self._traffic.scenario, self._traffic.workload
        queue = self.gateway.queues[0]
        order = queue.order(request, 0.0) if self._options.engine_queue else None
        return Call(
            request_id=request.request_id,
            tenant=scenario.tenant_names[request.tenant],
            prompt=prompt_text(workload, self.clients.rows[request.request_id]),
            max_output_tokens=request.max_output_tokens,
            planned_output_tokens=request.output_tokens,
            temperature=self._options.temperature,
            seed=(scenario.seed * 1_000_003 + request.request_id) % 2**31,
            priority=order,
            replica=request.replica,
        )

    def _start(self, one: InFlightRequest) -> None:
        """Call the engine; when it lets go, have that recorded after all that was due before."""
        one.task = task = asyncio.get_running_loop().create_task(one.run(self._engine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(partial(self._landed, one))

    def _landed(self, one: InFlightRequest, _: asyncio.Task[None]) -> None:
        self._schedule.at(self._clock(), REPLICAS + one.request.replica, partial(self._end, one))
        self._changed.set()

    def _end(self, one: InFlightRequest, _: Timer) -> None:
        """Record an end; in a gang that of an answer only when all answers are complete."""
        now = self._schedule.now
        if self._gangs is None or one.answer is None:
            self._settle(one, now)
        if self._gangs is None:
            return
        gang = self._gangs[one.request.replica]
        gang.running -= 1
        if not gang.running:
            for other in sorted(gang.members, key=lambda other: other.request.request_id):
                self._settle(other, now)
            gang.members = []

    def _settle(self, one: InFlightRequest, now: float) -> None:
        """Record at `now` how a request ended, once, and let the compensator learn from it."""
        request = one.request
        if request.status:
            return
        self.running[request.replica] -= 1
        one.measure(in_words=self._traffic.scenario.estimator.unit == "words")
        if self.gateway.counts_tokens:
            self._tell_tokens(one, one.output_tokens)
            del self._told[request.request_id]
        if one.answer is not None:
            request.output_tokens = one.output_tokens
            request.output_length = one.counted_tokens
            request.prompt_tokens = one.answer.prompt_tokens or request.prompt_tokens
            request.reason = one.reason
            self.gateway.finish(request, now)
        else:
            # Its planned lengths stay: the client may try again.
            self.gateway.abandon(request, now, one.status or "cancelled", one.reason or STOPPED)

    async def _sleep(self, until_s: float) -> None:
        """Sleep until a call has ended, at most until `until_s` seconds of the run."""
        self._changed.clear()
        timer = None
        if until_s < inf:
            wait_s = max(0.0, until_s - self._clock())
            timer = asyncio.get_running_loop().call_later(wait_s, self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()
