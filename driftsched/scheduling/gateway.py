"""The gateway: everything that decides, written once for both worlds.

It knows no clock and does no I/O: time is an argument. Simulated and live runs drive it alike.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING

from driftsched.scheduling.admission import TenantGates

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request

__all__ = ["Gateway", "LearningRow"]

LearningRow = tuple[float, int, float]
"""time_s, request_id, the category's bias from then on."""


class Gateway:
    """Admit, queue, choose, learn.

    Parameters
    ----------
    scenario : Scenario
        Tenants and their limits, estimator, policy.
    policy : Policy, optional
        A policy of the user's own instead of the scenario's; it must be empty.
    kv_capacity : int, optional
        Tokens of KV cache of the largest engine: a request that could never fit is rejected.

    Attributes
    ----------
    waiting : int
        Requests in the queues, those held back by a running limit included.
    learning : list of LearningRow
        What the compensator saw, one row a finished request, in order of finishing.
    """

    def __init__(
        self, scenario: Scenario, policy: Policy | None = None, kv_capacity: int | None = None
    ) -> None:
        self.kv_capacity = kv_capacity if kv_capacity is not None else maxsize
        self.policy = policy if policy is not None else scenario.policy.build(scenario.tenants)
        self.compensator = scenario.estimator.compensator.build(len(scenario.categories))
        self.waiting = 0
        self.learning: list[LearningRow] = []
        # Bound once: these four are called for every request.
        self._predict, self._learn = self.compensator.predict_one, self.compensator.learn_one
        self._push, self._pop = self.policy.push, self.policy.pop
        self._gates = TenantGates(scenario.tenants)
        self._limited = any(
            (limits.waiting, limits.rate_rps, limits.running) != (None, None, None)
            for limits in (tenant.limits for tenant in scenario.tenants)
        )

    def submit(self, request: Request, now: float) -> bool:
        """Budget a request and queue it, or reject it with a reason; True when it is queued.

        Writes the request's bias, estimate and total, or its status and reason.
        """
        bias = self._predict(request)
        estimate = int(request.prior_tokens * bias)
        request.bias = bias
        request.estimated_output_tokens = estimate
        request.total_token_budget = request.counted_prompt_tokens + estimate
        needed = request.prompt_tokens + request.max_output_tokens
        if needed > self.kv_capacity:
            limit = self.kv_capacity
            return self._reject(request, now, f"needs {needed} tokens of KV cache, {limit} fit")
        if self._limited:
            gate = self._gates.gates[request.tenant]
            refusal = gate.refusal(now)
            if refusal:
                return self._reject(request, now, refusal)
            gate.waiting += 1
        self._push(request)
        self.waiting += 1
        return True

    def _reject(self, request: Request, now: float, reason: str) -> bool:
        request.status, request.reason, request.finish_s = "rejected", reason, now
        return False

    def next(self, now: float) -> Request | None:
        """Choose the next request to dispatch; None when none may go.

        The caller owns it from here and must `finish` it.
        """
        if not self._limited:
            if not self.waiting:
                return None
            self.waiting -= 1
            return self._pop(now)
        policy = self.policy
        while len(policy):
            request = policy.pop(now)
            gate = self._gates.gates[request.tenant]
            if not gate.full:
                gate.waiting -= 1
                gate.running += 1
                self.waiting -= 1
                return request
            self._gates.hold(request, policy)
        return None

    def finish(self, request: Request, now: float) -> None:
        """Record that a request has given its last token at `now`, and learn from its length.

        Writes the request's finish time and status.
        """
        request.finish_s = now
        request.status = "finished"
        ratio = request.counted_output_tokens / request.base_tokens
        bias = self._learn(request, ratio)
        self.learning.append((now, request.request_id, bias))
        if self._limited:
            self.leave(request)

    def abandon(self, request: Request, now: float, status: str, reason: str) -> None:
        """Record that a dispatched request ended without finishing; nothing is learnt from it.

        Writes the request's finish time, status and reason.
        """
        request.finish_s, request.status, request.reason = now, status, reason
        if self._limited:
            self.leave(request)

    def leave(self, request: Request) -> None:
        """Free the tenant's place in the engine, however the request ended."""
        gate = self._gates.gates[request.tenant]
        gate.running -= 1
        self._gates.release(request.tenant, self.policy)
