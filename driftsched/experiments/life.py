"""One request's life: the run once more on the engine to read, with somebody who writes down."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftsched.core.errors import InputError
from driftsched.gateway.clients import react
from driftsched.gateway.queue import order_of
from driftsched.scheduling.policies.queues import TenantQueue
from driftsched.simulation import simulate
from driftsched.workload.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["Life", "life"]

Choice = tuple[float, int, float, float]


@dataclass(frozen=True)
class Life:
    """What became of a request, and why.

    Attributes
    ----------
    request : Series
        Its row of the requests table.
    ahead : DataFrame
        Who was chosen while it waited, and at last itself, a row a choice: time_s, request_id,
        tenant, category, arrival_s, score (its own, or its tenant's, lowest first), own_score (of
        this request at that moment).
    by_tenant : bool
        Whether the policy scores tenants; one tenant's requests then go in order of arrival.
    taught : Series or None
        Its row of the learning table; None where it taught nothing.
    without : DataFrame
        tenant, e2e_s: how long it would have taken without that tenant's requests; empty where
        clients react to answers, since other requests would then be made.
    """

    request: pd.Series[Any]
    ahead: pd.DataFrame
    by_tenant: bool
    taught: pd.Series[Any] | None
    without: pd.DataFrame


class Witness:
    """A policy that writes down each choice made while one request waits, scores included."""

    def __init__(self, policy: Policy, request_id: int, choices: list[Choice]) -> None:
        self.policy: Any = policy
        self.request_id = request_id
        self.choices = choices
        self.own: Request | None = None
        self.by_tokens = bool(getattr(policy, "by_tokens", False))
        self.preempts = bool(getattr(policy, "preempts", False))
        self._order: Callable[[Request, float], float] = order_of(policy)

    def __deepcopy__(self, memo: dict[int, Any]) -> Witness:
        return Witness(deepcopy(self.policy, memo), self.request_id, self.choices)

    def push(self, request: Request) -> None:
        if request.request_id == self.request_id:
            self.own = request
        self.policy.push(request)

    def pop(self, now: float) -> Request:
        own = self.own
        if own is None:
            return self.policy.pop(now)  # type: ignore[no-any-return]
        tenants = isinstance(self.policy, TenantQueue)
        before = self.policy.scores() if tenants else []
        chosen: Request = self.policy.pop(now)

        def score(request: Request) -> float:
            return before[request.tenant] if tenants else self._order(request, now)

        self.choices.append((now, chosen.request_id, score(chosen), score(own)))
        if chosen is own:
            self.own = None
        return chosen

    def order(self, request: Request, now: float = 0.0) -> float:
        return self._order(request, now)

    def remove(self, request: Request) -> None:
        if request is self.own:
            self.own = None
        self.policy.remove(request)

    def generated(self, request: Request, tokens: int) -> None:
        self.policy.generated(request, tokens)

    def __len__(self) -> int:
        return len(self.policy)


def life(scenario: Scenario, request_id: int) -> Life:
    """Run a scenario again, and tell of one of its requests.

    Parameters
    ----------
    scenario : Scenario
    request_id : int
        As in the requests table.

    Raises
    ------
    InputError
        There is no such request.
    """
    workload = generate(scenario)
    choices: list[Choice] = []
    policy = scenario.policy.build(scenario.tenants, scenario.server)
    result = simulate(scenario, workload, policy=Witness(policy, request_id, choices))
    requests, learning = result.requests, result.learning
    if not 0 <= request_id < len(requests):
        raise InputError(f"request must be 0 to {len(requests) - 1}, got {request_id}")
    ahead = pd.DataFrame(choices, columns=["time_s", "request_id", "score", "own_score"])
    known = requests[["request_id", "tenant", "category", "arrival_s"]]
    taught = learning[learning["request_id"] == request_id]
    return Life(
        requests.iloc[request_id],
        ahead.merge(known, on="request_id", how="left"),
        isinstance(policy, TenantQueue),
        None if taught.empty else taught.iloc[0],
        _without(scenario, workload, request_id),
    )


def _without(scenario: Scenario, workload: Workload, request_id: int) -> pd.DataFrame:
    """How long the request takes where one tenant sends nothing, for each other tenant."""
    rows = []
    if not react(scenario, workload):
        for number, tenant in enumerate(scenario.tenant_names):
            kept = np.flatnonzero(workload.tenant != number)
            if workload.tenant[request_id] == number or len(kept) == len(workload):
                continue
            result = simulate(scenario, _only(workload, kept))
            row = result.requests.iloc[int(np.searchsorted(kept, request_id))]
            rows.append((tenant, float(row["e2e_s"])))
    return pd.DataFrame(rows, columns=["tenant", "e2e_s"])


def _only(workload: Workload, kept: np.ndarray[Any, Any]) -> Workload:
    """Those rows of an open workload, in the same phases."""
    bounds = [(segment.first, segment.stop) for segment in workload.segments]
    segments = tuple(
        replace(segment, first=int(first), stop=int(stop))
        for segment, (first, stop) in zip(
            workload.segments, np.searchsorted(kept, bounds), strict=True
        )
    )
    return replace(workload.take(kept), segments=segments, phase=None)
