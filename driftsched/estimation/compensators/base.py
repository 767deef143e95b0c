"""What a drift compensator is: it learns how far off a category's budget runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from driftsched.core.mechanism import Mechanism, State

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["Compensator", "CompensatorSpec", "key_number"]

Per = Literal["all", "category", "tenant", "tenant_category"]


class CompensatorSpec(Mechanism):
    """Parameters and functions of a compensator; see `Mechanism`.

    Attributes
    ----------
    per : {"category", "tenant", "tenant_category", "all"}
        What has a state of its own.
    state : dict
        Fields of a state, and what they are before anything was learnt.
    """

    per: ClassVar[Per] = "category"
    state: ClassVar[dict[str, float]] = {}

    @staticmethod
    def predict(state: State, request: Request, p: Any) -> float:
        """Return the bias by which the request's budget is multiplied: finite and above 0.

        ``request.predicted`` is the category as classified, ``request.uncorrected_estimate`` the
        budget at bias 1 (base · safety · input factor). Changes nothing.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def learn(state: State, request: Request, ratio: float, p: Any) -> float:
        """Learn from a finished request and return the bias of its key from now on.

        `ratio` is actual length / base tokens of the category as classified, > 0. Changes the
        state alone.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def build(self, categories: int, tenants: int = 1) -> Compensator:
        """Return a fresh compensator for so many categories and tenants."""
        return Compensator(self, categories, tenants)


def key_number(per: int, tenant: int, category: int, categories: int) -> int:
    """Number of the state that a request reads; `per` is the place in ``Compensator.PER``."""
    if per == 0:
        return 0
    if per == 1:
        return category
    if per == 2:
        return tenant
    return tenant * categories + category


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

    PER: tuple[Per, ...] = ("all", "category", "tenant", "tenant_category")

    def __init__(self, spec: CompensatorSpec, categories: int, tenants: int) -> None:
        self.spec = spec
        self._per, self._categories = self.PER.index(spec.per), categories
        self.states = [State(spec.state) for _ in range(categories * tenants)]

    def predict_one(self, request: Request) -> float:
        """Return the bias by which the request's budget is multiplied, > 0."""
        return self.spec.predict(self._state(request), request, self.spec)

    def learn_one(self, request: Request, ratio: float) -> float:
        """Learn from a finished request (actual / base tokens); return its key's bias from now on.

        Its actual length is ``request.output_length``.
        """
        return self.spec.learn(self._state(request), request, ratio, self.spec)

    def _state(self, request: Request) -> State:
        number = key_number(self._per, request.tenant, request.predicted, self._categories)
        return self.states[number]
