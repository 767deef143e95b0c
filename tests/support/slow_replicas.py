"""Replicas that compute every iteration by itself, one token a request, by the same rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isnan, prod

from driftsched.gateway.gateway import Gateway
from driftsched.gateway.queue import Queue
from driftsched.scenario import Scenario
from driftsched.scheduling.request import Request
from driftsched.serving.iteration import IterationCost


@dataclass
class Seat:
    """A request in a replica: tokens in the KV cache, tokens given, tokens of this iteration.

    `again` counts the tokens given before it came in, which are computed with the prompt.
    """

    computed: int = 0
    given: int = 0
    planned: int = 0
    again: int = 0


@dataclass
class SlowReplica:
    """One replica, one token at a time. `due` is its next turn; inf while it is idle."""

    scenario: Scenario
    gateway: Gateway
    queue: Queue
    cost: IterationCost
    capacity: int
    number: int
    due: float = 0.0
    iterations: int = 0
    inside: dict[Request, Seat] = field(default_factory=dict)  # in order of admission
    in_service: bool = False
    news: bool = True  # whether somebody has come or left since it looked who may join
    crowded: bool = False  # whether somebody gave way by tier and nobody has left since
    heads: list[Request] = field(default_factory=list)  # waiting before the queue, the first first
    deadline_s: float = inf
    shut: bool = False
    factors: list[float] = field(default_factory=list)  # of slow-downs under way
    gone: dict[Request, tuple[str, str]] = field(default_factory=dict)  # their clients have left

    def forsake(self, request: Request, status: str, reason: str, now: float) -> bool:
        """A client leaves; True where its request is here."""
        if request in self.inside and self.in_service:
            self.gone[request] = (status, reason)
            return True
        if request not in self.inside and request not in self.heads:
            return False
        if request in self.inside:
            del self.inside[request]
        else:
            self.heads.remove(request)
            self.news = True
        self.gateway.abandon(request, now, status, reason)
        if not self.inside:
            self.deadline_s = inf
        return True

    def drop_gone(self, now: float) -> bool:
        for request, (status, reason) in self.gone.items():
            del self.inside[request]
            self.gateway.abandon(request, now, status, reason)
        dropped, self.gone = bool(self.gone), {}
        return dropped

    def changed(self, now: float) -> None:
        """Something arrived or left somewhere: look, unless in the middle of an iteration."""
        if not self.in_service:
            self.due = now
        if not self.heads:
            self.news = True

    def choose(self, now: float) -> Request | None:
        if self.heads:
            return self.heads.pop(0)
        return None if self.shut else self.queue.next(now)

    def forget(self) -> None:
        """Lose all that is in it."""
        self.inside, self.heads, self.in_service, self.crowded = {}, [], False, False
        self.due = self.deadline_s = inf

    def reserved(self) -> int:
        return sum(r.prompt_tokens + r.max_output_tokens for r in self.inside)

    def fits_whole(self, request: Request) -> bool:
        needed = request.prompt_tokens + request.max_output_tokens
        return self.reserved() + needed <= self.capacity

    def enter(self, request: Request, seat: Seat, now: float) -> None:
        self.inside[request] = seat
        request.replica = self.number
        if isnan(request.dispatch_s):
            request.dispatch_s = now

    def iterate(self, now: float) -> None:
        """Start an iteration of all that have tokens planned."""
        self.iterations += 1
        self.in_service = True
        tokens = kv = squares = requests = prompts = 0
        for request, seat in self.inside.items():
            end = seat.computed + seat.planned
            if not seat.planned:
                continue
            tokens += seat.planned
            requests += 1
            if seat.computed >= request.prompt_tokens + seat.again:
                kv += end
            else:
                squares += end**2 - seat.computed**2
                prompts += seat.computed == request.cached_tokens
        seconds = self.cost.iteration(tokens, kv, squares, requests, prompts)
        self.due = now + seconds * prod(self.factors)

    def count(self, now: float) -> None:
        """The iteration has ended: a request whose tokens are all computed gets its next one."""
        self.in_service = False
        for request, seat in self.inside.items():
            seat.computed += seat.planned
            if seat.planned and seat.computed == request.prompt_tokens + seat.given:
                seat.given += 1
                if self.gateway.counts_tokens:
                    self.gateway.generated(request, 1)
                if isnan(request.first_token_s) and request not in self.gone:
                    request.first_token_s = now
            seat.planned = 0

    def finish(self, ended: list[Request], now: float) -> None:
        for request in sorted(ended, key=lambda r: r.request_id):
            del self.inside[request]
            self.gateway.finish(request, now)

    def turn(self, now: float) -> bool:
        """Act at `now`; True where a request left."""
        raise NotImplementedError


@dataclass
class SlowContinuous(SlowReplica):
    def blocks(self, tokens: int) -> int:
        return -(-tokens // self.scenario.engine.block_tokens)

    def free(self) -> int:
        held = sum(self.blocks(seat.computed + seat.planned) for seat in self.inside.values())
        return self.capacity // self.scenario.engine.block_tokens - held

    def left(self) -> float:
        planned = sum(seat.planned for seat in self.inside.values())
        return (self.scenario.engine.max_num_batched_tokens or inf) - planned

    def preempt_one(self, now: float) -> None:
        running = list(self.inside)
        victim = running[-1]
        if self.scenario.engine.preempt == "lowest_rank":
            self.count_given()
            by_policy = self.gateway.preempts
            order = self.queue.order if by_policy else lambda one, _: float(one.rank)
            victim = max(running, key=lambda r: (order(r, now), r.arrival_s, r.request_id))
        victim.preemptions += 1
        self.gateway.has_given(victim, self.inside.pop(victim).given)
        self.put_aside(victim)

    def put_aside(self, request: Request) -> None:
        if self.gateway.preempts:
            self.gateway.interrupt(request)
        else:
            self.heads.insert(0, request)

    def count_given(self) -> list[Request]:
        """Who decodes, told of the tokens given."""
        decoding = [
            one
            for one, seat in self.inside.items()
            if seat.computed >= one.prompt_tokens + seat.again
        ]
        for one in decoding:
            self.gateway.has_given(one, self.inside[one].given)
        return decoding

    def make_place(self, request: Request, now: float) -> bool:
        """Interrupt the one that the policy would serve last, where it comes after `request`."""
        decoding = self.count_given()
        order = self.queue.order
        worst = max(decoding, key=lambda r: (order(r, now), r.request_id), default=None)
        if not self.gateway.preempts or worst is None:
            return False
        if order(worst, now) <= order(request, now):
            return False
        worst.preemptions += 1
        del self.inside[worst]
        self.put_aside(worst)
        return True

    def serve_running(self, now: float) -> bool:
        """Plan the tokens of all that run; True where somebody had to go."""
        before = len(self.inside)
        for request, seat in list(self.inside.items()):
            while request in self.inside:
                wanted = request.prompt_tokens + seat.given - seat.computed
                wanted = int(min(wanted, self.left()))
                new = self.blocks(seat.computed + wanted) - self.blocks(seat.computed)
                if self.scenario.engine.kv == "reserve" or new <= self.free():
                    seat.planned = wanted
                    break
                self.preempt_one(now)
        return len(self.inside) < before

    def admit(self, now: float) -> None:
        engine = self.scenario.engine
        while self.left() > 0:
            full = len(self.inside) >= engine.batch_size
            if full and not self.gateway.preempts:
                break
            request = self.choose(now)
            if request is None:
                break
            again = request.generated_tokens
            seat = Seat(request.cached_tokens, given=again, again=again)
            whole = request.prompt_tokens + seat.given - seat.computed
            seat.planned = int(min(whole, self.left()))
            if seat.planned < whole and not engine.chunked_prefill:
                self.put_aside(request)
                break
            while not self.admits(request, seat, whole):
                if not self.make_place(request, now):
                    break
            else:
                self.enter(request, seat, now)
                continue
            self.put_aside(request)
            break

    def admits(self, request: Request, seat: Seat, whole: int) -> bool:
        """Plan a request's first tokens; True where there is room for it."""
        seat.planned = int(min(whole, self.left()))
        if len(self.inside) >= self.scenario.engine.batch_size:
            return False
        if self.scenario.engine.kv == "reserve":
            return self.fits_whole(request)
        return self.blocks(seat.computed + seat.planned) <= self.free() and self.peak_fits(request)

    def peak_fits(self, request: Request) -> bool:
        """Whether all that is to come has blocks, token by token, where that is asked."""
        if self.scenario.engine.admit == "first_fit":
            return True
        self.count_given()
        given = {one: seat.given for one, seat in self.inside.items()}
        given[request] = request.generated_tokens
        ends = {
            one: max(min(max(whole, tokens + tokens // 10), one.max_output_tokens), tokens + 1)
            for one, tokens in given.items()
            for whole in [one.estimated_output_tokens + one.revision_tokens]
        }
        size = self.scenario.engine.block_tokens
        while given:
            held = sum(one.prompt_tokens + tokens + size - 1 for one, tokens in given.items())
            if held > self.capacity // size * size:
                return False
            given = {one: tokens + 1 for one, tokens in given.items() if tokens + 1 < ends[one]}
        return True

    def turn(self, now: float) -> bool:
        ended: list[Request] = []
        left = False
        if self.in_service:
            prompts = any(
                seat.planned and seat.computed < one.prompt_tokens + seat.again
                for one, seat in self.inside.items()
            )
            self.count(now)
            left = self.drop_gone(now)
            ended = [r for r, seat in self.inside.items() if seat.given == r.output_tokens]
            self.finish(ended, now)
            self.news = self.news or prompts or left or bool(ended)
            self.crowded = self.crowded and not (left or ended)
        before = list(self.inside)
        if self.serve_running(now):
            by_tier = self.scenario.engine.preempt == "lowest_rank"
            self.news, self.crowded = True, by_tier and not self.gateway.preempts
        elif self.news and not self.crowded:
            self.news = False
            self.admit(now)
        left = left or any(one not in self.inside for one in before)
        if self.inside:
            self.iterate(now)
        else:
            self.due = inf
        return bool(ended) or left


class SlowGang(SlowReplica):
    def admit(self, now: float) -> None:
        while len(self.inside) < self.scenario.engine.batch_size:
            request = self.choose(now)
            if request is None:
                break
            if not self.fits_whole(request):
                self.heads.insert(0, request)
                break
            self.enter(request, Seat(request.cached_tokens), now)

    def start(self, now: float) -> None:
        for request, seat in self.inside.items():
            done = seat.given == request.output_tokens
            seat.planned = 0 if done else request.prompt_tokens + seat.given - seat.computed
        self.iterate(now)

    def turn(self, now: float) -> bool:
        ended: list[Request] = []
        left = False
        if self.in_service:
            self.count(now)
            left = self.drop_gone(now)
            if any(seat.given < r.output_tokens for r, seat in self.inside.items()):
                self.start(now)
                return left
            ended = list(self.inside)
            self.finish(ended, now)
            self.deadline_s = inf
        self.admit(now)
        engine = self.scenario.engine
        if not self.inside:
            self.due = inf
            return bool(ended) or left
        self.deadline_s = min(self.deadline_s, now + engine.batch_wait_s)
        if len(self.inside) < engine.batch_size and not self.heads and now < self.deadline_s:
            self.due = self.deadline_s
        else:
            self.start(now)
        return bool(ended) or left
