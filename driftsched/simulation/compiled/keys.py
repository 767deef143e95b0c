"""Static keys: a policy's order, evaluated for many requests before they arrive."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.gateway.intake import make_requests
from driftsched.scheduling.policies import StaticOrder
from driftsched.scheduling.request import Request

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.workload.table import Workload

__all__ = ["EstimateError", "StaticKeys", "arrival_weight", "is_static"]

Floats = NDArray[np.float64]
ESTIMATED = ("bias", "estimated_output_tokens", "total_token_budget")


class EstimateError(Exception):
    """An order asked for an estimate that only the run itself can give."""


class _Unestimated(Request):
    """A request before its arrival: what the compensator will say is not known."""

    __slots__ = ()

    def _asked(self) -> Any:
        raise EstimateError

    def _ignored(self, value: Any) -> None:
        pass

    bias = property(_asked, _ignored)
    estimated_output_tokens = property(_asked, _ignored)
    total_token_budget = property(_asked, _ignored)


def is_static(policy: Policy) -> bool:
    """Whether a policy's queue is `StaticOrder`'s own, so that a key a request says it all."""
    kind = type(policy)
    own = ("push", "pop", "__len__")
    return isinstance(policy, StaticOrder) and all(
        getattr(kind, name) is getattr(StaticOrder, name) for name in own
    )


def arrival_weight(policy: StaticOrder) -> float | None:
    """How much of a policy's order is the arrival time; None where it does not say.

    It must be said by the class that defines the order, or by one derived from it.
    """
    kinds = type(policy).__mro__
    if policy.budget_weight and type(policy).rest is StaticOrder.rest:
        return 0.0
    order = "rest" if policy.budget_weight else "order"
    defined, said = (
        next(place for place, kind in enumerate(kinds) if name in vars(kind))
        for name in (order, "arrival_weight")
    )
    return policy.arrival_weight() if said <= defined else None


class StaticKeys:
    """The keys of one run's requests.

    Parameters
    ----------
    policy : StaticOrder
        Whose order.
    scenario, workload, budgets : what is run
    bias, estimate : arrays, shape (n,), or None
        Where they are foreseen; they only change with what finishes otherwise.
    """

    def __init__(
        self,
        policy: StaticOrder,
        scenario: Scenario,
        workload: Workload,
        budgets: Budgets,
        bias: Floats | None,
        estimate: NDArray[np.int64] | None,
    ) -> None:
        self._policy, self._foreseen = policy, estimate is not None
        self._scenario, self._workload, self._budgets = scenario, workload, budgets
        self._bias, self._estimate = bias, estimate
        self.budget_weight = policy.budget_weight
        self._order = policy.rest if policy.budget_weight else policy.order

    def of(self, first: int, stop: int, arrival_s: Floats) -> Floats:
        """Keys of the requests `first` to `stop` (exclusive), which arrive at `arrival_s`.

        Raises
        ------
        EstimateError
            The order depends on an estimate that is not foreseen.
        """
        if self.budget_weight and self._rests_on_nothing:
            return np.zeros(stop - first)
        if self._elementwise:
            columns: Any = self._columns(first, stop, arrival_s)
            try:
                keys = np.asarray(self._order(columns), dtype=np.float64)
            except AttributeError as error:
                if error.name in ESTIMATED:
                    raise EstimateError from error
                raise
            return np.broadcast_to(keys, (stop - first,))
        return np.array([self._order(r) for r in self._requests(first, stop, arrival_s)], float)

    @property
    def _rests_on_nothing(self) -> bool:
        return type(self._policy).rest is StaticOrder.rest

    @property
    def _elementwise(self) -> bool:
        """Whether the class that defines the order says so, and not just one it is derived from."""
        kinds = type(self._policy).__mro__
        owner = next(kind for kind in kinds if self._order.__name__ in vars(kind))
        return bool(vars(owner).get("elementwise"))

    def _columns(self, first: int, stop: int, arrival_s: Floats) -> SimpleNamespace:
        workload, budgets, part = self._workload, self._budgets, slice(first, stop)
        ranks = np.array([tenant.rank for tenant in self._scenario.tenants])
        columns = SimpleNamespace(
            request_id=np.arange(first, stop),
            tenant=workload.tenant[part],
            rank=ranks[workload.tenant[part]],
            predicted=budgets.predicted[part],
            arrival_s=arrival_s,
            prompt_tokens=workload.prompt_tokens[part],
            output_tokens=workload.output_tokens[part],
            max_output_tokens=workload.max_output_tokens[part],
            prompt_length=budgets.prompt_length[part],
            output_length=budgets.output_length[part],
            base_tokens=budgets.base_tokens[part],
            uncorrected_estimate=budgets.uncorrected_estimate[part],
        )
        if self._bias is not None and self._estimate is not None:
            columns.bias = self._bias[part]
            columns.estimated_output_tokens = self._estimate[part]
            columns.total_token_budget = budgets.prompt_length[part] + self._estimate[part]
        return columns

    def _requests(self, first: int, stop: int, arrival_s: Floats) -> list[Request]:
        kind = Request if self._foreseen else _Unestimated
        part = slice(first, stop)
        requests = make_requests(self._scenario, self._workload, self._budgets, part, kind)
        for request, arrival in zip(requests, arrival_s.tolist(), strict=True):
            request.arrival_s = arrival
        if self._bias is not None and self._estimate is not None:
            rows = zip(self._bias[part].tolist(), self._estimate[part].tolist(), strict=True)
            for request, (bias, estimate) in zip(requests, rows, strict=True):
                request.bias, request.estimated_output_tokens = bias, estimate
                request.total_token_budget = request.prompt_length + estimate
        return requests
