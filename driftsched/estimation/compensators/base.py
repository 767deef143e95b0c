"""What a drift compensator is: it learns how far off budgets run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from driftsched.core.mechanism import Mechanism, State

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["Compensator", "CompensatorSpec", "Levels"]


class Levels(NamedTuple):
    """The states that a request reads and teaches: of all, of its category, tenant, and both."""

    all: State
    category: State
    tenant: State
    pair: State


class CompensatorSpec(Mechanism):
    """Parameters and functions of a compensator; see `Mechanism`.

    Attributes
    ----------
    state : dict
        Fields of a state, and what they are before anything was learnt. Each category (as
        classified), each tenant, each pair of them and all together have one; see `Levels`.
    """

    state: ClassVar[dict[str, float]] = {}

    @staticmethod
    def predict(states: Levels, request: Request, p: Any) -> float:
        """Return the bias by which the request's budget is multiplied: finite and above 0.

        ``request.predicted`` is the category as classified, ``request.uncorrected_estimate`` the
        budget at bias 1 (base · safety · input factor). Changes nothing.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: Any) -> float:
        """Learn from a finished request and return the bias of such requests from now on.

        `ratio` is actual length / base tokens of the category as classified, > 0. Changes the
        states alone.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def build(self, categories: int, tenants: int) -> Compensator:
        """Return a fresh compensator for so many categories and tenants."""
        return Compensator(self, categories, tenants)


class Compensator:
    """One run's compensator. Learns like river's estimators: `predict_one`, then `learn_one`.

    It owns its states and never changes a request.

    Parameters
    ----------
    spec : CompensatorSpec
        Whose functions.
    categories, tenants : int
        How many there are.
    """

    def __init__(self, spec: CompensatorSpec, categories: int, tenants: int) -> None:
        self.spec = spec
        together, *own = (State(spec.state) for _ in range(1 + categories + tenants))
        self.levels = [
            [
                Levels(together, own[category], own[categories + tenant], State(spec.state))
                for category in range(categories)
            ]
            for tenant in range(tenants)
        ]

    def predict_one(self, request: Request) -> float:
        """Return the bias by which the request's budget is multiplied, > 0."""
        return self.spec.predict(self._levels(request), request, self.spec)

    def learn_one(self, request: Request, ratio: float) -> float:
        """Learn from a finished request (actual / base); return its like's bias from now on.

        Its actual length is ``request.output_length``.
        """
        return self.spec.learn(self._levels(request), request, ratio, self.spec)

    def _levels(self, request: Request) -> Levels:
        return self.levels[request.tenant][request.predicted]
