"""The gateway: everything that decides, written once for both worlds.

It knows no clock and does no I/O: time is an argument. Simulated and live runs drive it alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from math import nan
from sys import maxsize
from typing import TYPE_CHECKING, Any

from driftsched.estimation.predictors.refined import refined_length
from driftsched.gateway.admission import TOO_LONG, TenantGate, does_not_fit, no_room, too_long
from driftsched.gateway.queue import Queue
from driftsched.scheduling.routers.base import Loads

if TYPE_CHECKING:
    from driftsched.results.outcomes import LearningRow, Requeue
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Router

__all__ = ["Gateway"]


class Gateway:
    """Admit, route, queue, choose, learn.

    Parameters
    ----------
    scenario : Scenario
        Tenants and their limits, estimator, policy, router.
    policy : Policy, optional
        A policy of the user's own instead of the scenario's; it must be empty. Where each replica
        has a queue of its own, each gets a copy.
    kv_capacity : int, optional
        Tokens of KV cache of the engine: a request that could never fit is rejected. With several
        replicas and one queue it is the least of them, since any of them may draw the request.
    capacities : sequence of int, optional
        Tokens of KV cache of each replica, where each has a queue of its own: the scenario's router
        chooses among those that a request fits.

    Attributes
    ----------
    queues : list of Queue
        The central queue, or one a replica.
    loads : Loads
        What each replica was sent and has not ended; kept where there is a router.
    accepting : list of int
        Numbers of the replicas that the router may choose, ascending.
    parked : list of Request
        Those admitted while no replica that fits them was open.
    counts_tokens : bool
        Whether the policy is to be told of tokens as they are given; see `generated`.
    preempts : bool
        Whether running requests give way to waiting ones that the policy scores lower.
    catch_up : callable, optional
        Asked, with the time, to tell of all tokens that were given, before something is decided.
    watch : callable, optional
        Told (request, now) of every request that is rejected, finished or failed.
    learning : list of LearningRow
        What the compensator saw, one row a finished request, in order of finishing.
    requeues : list of Requeue
        Runs that counted for nothing, in order of their ends.
    """

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy | None = None,
        kv_capacity: int | None = None,
        capacities: Sequence[int] = (),
    ) -> None:
        self.kv_capacity = (
            kv_capacity if kv_capacity is not None else max(capacities, default=maxsize)
        )
        self.compensator = scenario.estimator.compensator.build(
            len(scenario.categories),
            len(scenario.tenants),
            scenario.estimator.detector,
            scenario.estimator.censoring,
        )
        self._refinement = scenario.estimator.predictor.refinement
        self._context_tokens = scenario.cluster.context_tokens
        self.learning: list[LearningRow] = []
        self.requeues: list[Requeue] = []
        self.watch: Callable[[Request, float], None] | None = None
        # Bound once: these are called for every request.
        self._predict, self._learn = self.compensator.predict_one, self.compensator.learn_one
        self._predict_mean = self.compensator.predict_mean_one
        limits = [tenant.limits for tenant in scenario.tenants]
        limited = any(
            (one.waiting, one.rate_rps, one.running) != (None, None, None) for one in limits
        )
        self._gates = [TenantGate(one) for one in limits] if limited else []
        first = (
            policy
            if policy is not None
            else scenario.policy.build(scenario.tenants, scenario.server)
        )
        # Copied while empty.
        policies = [first, *(deepcopy(first) for _ in capacities[1:])]
        self.queues = [Queue(one, self._gates) for one in policies]
        self.counts_tokens = bool(getattr(first, "by_tokens", False))
        continuous = scenario.engine.mode == "continuous"
        self.preempts = continuous and bool(getattr(first, "preempts", False))
        self.catch_up: Callable[[float], None] | None = None
        self.loads = Loads([0] * len(capacities), [0] * len(capacities), capacities)
        self.parked: list[Request] = []
        self.accepting = list(range(len(capacities)))
        self._capacities = capacities
        self._router = (
            scenario.cluster.router.build(self.loads, scenario.seed) if capacities else None
        )
        self._tracked = limited or self._router is not None

    @property
    def policy(self) -> Policy:
        """The policy of the central queue, or of the first replica's."""
        return self.queues[0].policy

    @property
    def waiting(self) -> int:
        """Requests in the queues, those held back by a running limit included."""
        return sum(queue.waiting for queue in self.queues) + len(self.parked)

    def submit(self, request: Request, now: float) -> bool:
        """Budget a request and queue it, or reject it with a reason; True when it is queued.

        Writes the request's bias, estimates and total, and its replica where a router chose it, or
        its status and reason. `now` is in seconds since the run's start, here and below.
        """
        self._catch_up(now)
        bias = self._predict(request)
        estimate = self.compensator.length(request, bias)
        request.bias = bias
        request.estimated_output_tokens = estimate
        request.total_token_budget = request.prompt_length + estimate
        mean_bias = self._predict_mean(request)
        request.estimated_mean_tokens = self.compensator.length(request, mean_bias)
        prompt, most = request.prompt_tokens, request.max_output_tokens
        misfit = does_not_fit(prompt, most, self._context_tokens, self.kv_capacity)
        if misfit == TOO_LONG:
            return self._reject(request, now, too_long(prompt, self._context_tokens))
        if misfit:
            return self._reject(request, now, no_room(prompt + most, self.kv_capacity))
        if self._gates:
            gate = self._gates[request.tenant]
            refusal = gate.refusal(now)
            if refusal:
                return self._reject(request, now, refusal)
            gate.waiting += 1
        if self._router is None:
            self.queues[0].push(request)
        else:
            self._queue(request, self._router)
        return True

    def _reject(self, request: Request, now: float, reason: str) -> bool:
        request.status, request.reason, request.finish_s = "rejected", reason, now
        if self.watch is not None:
            self.watch(request, now)
        return False

    def next(self, now: float) -> Request | None:
        """Choose the next request of the central queue; None when none may go.

        The caller owns it from here and must `finish` it.
        """
        return self.take(0, now)

    def take(self, number: int, now: float) -> Request | None:
        """Choose the next request of one of the queues; see `next`."""
        self._catch_up(now)
        return self.queues[number].next(now)

    def generated(self, request: Request, tokens: int) -> None:
        """Take note that a running request has given `tokens` more, where a policy counts them."""
        policy: Any = self.queues[request.replica if self._router is not None else 0].policy
        policy.generated(request, tokens)

    def has_given(self, request: Request, tokens: int) -> None:
        """Note how much of its answer a request has, and how long the whole is taken to be then."""
        request.generated_tokens = tokens
        every, kept = self._refinement
        if every:
            estimate, length = request.estimated_output_tokens, request.output_length
            now = refined_length(estimate, length, request.output_tokens, tokens, every, kept)
            request.revision_tokens = now - estimate

    def _catch_up(self, now: float) -> None:
        if self.catch_up is not None:
            self.catch_up(now)

    def finish(self, request: Request, now: float) -> None:
        """Record that a request has given its last token at `now`, and learn from its length.

        Writes the request's finish time and status.
        """
        request.finish_s = now
        request.status = "finished"
        ratio = request.output_length / request.base_tokens
        bias = self._learn(request, ratio)
        self.learning.append((now, request.request_id, bias))
        if self._tracked:
            self.leave(request, now)
        if self.watch is not None:
            self.watch(request, now)

    def abandon(self, request: Request, now: float, status: str, reason: str) -> None:
        """Record that a dispatched request ended without finishing; nothing is learnt from it.

        Writes the request's finish time, status and reason.
        """
        request.finish_s, request.status, request.reason = now, status, reason
        if self._tracked:
            self.leave(request, now)
        if self.watch is not None:
            self.watch(request, now)

    def withdraw(self, request: Request, now: float, status: str, reason: str) -> None:
        """Record that a waiting request ended; its queue lets it go.

        Writes the request's finish time, status and reason.
        """
        request.finish_s, request.status, request.reason = now, status, reason
        if request in self.parked:
            self.parked.remove(request)
            if self._gates:
                self._gates[request.tenant].waiting -= 1
        else:
            self.queues[request.replica if self._router is not None else 0].remove(request)
            if self._router is not None:
                self._unload(request)
        if self.watch is not None:
            self.watch(request, now)

    def requeue(self, request: Request, now: float) -> None:
        """Take a request back whose engine has failed: it begins anew, from its prompt."""
        self._catch_up(now)
        self.requeues.append((request.request_id, request.dispatch_s, now))
        request.dispatch_s = request.first_token_s = nan
        self.has_given(request, 0)
        request.preemptions += 1
        self.interrupt(request)

    def interrupt(self, request: Request) -> None:
        """Queue a request again that has run, or would have, and free its tenant's place."""
        self.put_back(request)
        if self._gates:
            for queue in self.queues:
                queue.release(request.tenant)

    def put_back(self, request: Request) -> None:
        """Queue a request again that was chosen and will not run."""
        self.queues[request.replica if self._router is not None else 0].put_back(request)

    def accept(self, number: int, *, accepting: bool) -> None:
        """Let the router choose a replica, or not; who waits for one is routed when one opens."""
        if self._router is None:
            return
        if accepting and number not in self.accepting:
            self.accepting = sorted([*self.accepting, number])
            parked, self.parked = self.parked, []
            for request in parked:
                self._queue(request, self._router)
        elif not accepting and number in self.accepting:
            self.accepting.remove(number)

    def reroute(self, number: int) -> None:
        """Send those who wait in a replica's own queue to others, in order of their ids."""
        router = self._router
        if router is None:
            return
        for request in self.queues[number].take_all():
            self._unload(request)
            self._queue(request, router)

    def _queue(self, request: Request, router: Router) -> None:
        """Put an admitted request into a queue, or aside while no replica that fits it is open."""
        needed = request.prompt_tokens + request.max_output_tokens
        among = [one for one in self.accepting if self._capacities[one] >= needed]
        if not among:
            request.replica = -1
            self.parked.append(request)
            return
        request.replica = chosen = router.route(request, among)
        self.loads.requests[chosen] += 1
        self.loads.tokens[chosen] += request.prompt_length + request.estimated_mean_tokens
        self.queues[chosen].push(request)

    def leave(self, request: Request, now: float) -> None:
        """Free the tenant's place in the engine, however the request ended."""
        if self._router is not None:
            self._unload(request)
        if self._gates:
            self._catch_up(now)
            self._gates[request.tenant].running -= 1
            for queue in self.queues:
                queue.release(request.tenant)

    def _unload(self, request: Request) -> None:
        self.loads.requests[request.replica] -= 1
        mean = request.prompt_length + request.estimated_mean_tokens
        self.loads.tokens[request.replica] -= mean
