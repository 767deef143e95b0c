"""What a drift compensator is: it learns how far off budgets run."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import Field

from driftsched.core.mechanism import Mechanism, State
from driftsched.estimation.detectors.none import NoDetectorConfig

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields
    from driftsched.estimation.detectors import DetectorSpec
    from driftsched.scheduling.request import Request

__all__ = [
    "Compensator",
    "CompensatorSpec",
    "InsideSpec",
    "Levels",
    "corrected",
    "limit_of",
    "teaches",
]

ENDLESS = 1 << 62


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

    state: ClassVar[Fields] = {}

    @staticmethod
    def predict(states: Levels, request: Request, p: Any) -> float:
        """Return the bias by which the request's budget is multiplied: finite and above 0.

        It is to give a *typical* length, by which requests are told apart, deadlines are met and
        errors are counted: the median, where the compensator knows it. ``request.predicted`` is the
        category as classified, ``request.uncorrected_estimate`` the budget at bias 1 (base · safety
        · input factor). Changes nothing.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def predict_mean(states: Levels, request: Request, p: Any) -> float:
        """Return the bias that gives the *mean* length, for sums: load, KV cache, fair shares.

        ``request.bias`` is what `predict` has said, and what a compensator says that knows no
        other. Changes nothing.
        """
        return request.bias

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: Any) -> float:
        """Learn from a finished request and return the bias of such requests from now on.

        `ratio` is actual length / base tokens of the category as classified, > 0. Changes the
        states alone.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @staticmethod
    def learn_mean(states: Levels, request: Request, ratio: float, p: Any) -> None:
        """Learn what `predict_mean` alone asks for; called before `learn`, with the same arguments.

        Not where nobody reads mean lengths. Changes the states alone, and nothing that `predict` or
        `learn` look at.
        """

    def build(
        self,
        categories: int,
        tenants: int,
        detector: DetectorSpec | None = None,
        censoring: bool = False,
    ) -> Compensator:
        """Return a fresh compensator for so many categories and tenants."""
        return Compensator(self, categories, tenants, detector or NoDetectorConfig(), censoring)


class InsideSpec(CompensatorSpec):
    """A compensator that estimates the length itself, whatever its tenant's safety factor."""

    inside: bool = Field(True, description="safety and input factor are inside the feedback")


def corrected(ratio: float, request: Request, p: Any) -> float:
    """The bias by which an estimate is `ratio` times the base, where factors are inside."""
    return ratio * request.base_tokens / request.uncorrected_estimate if p.inside else ratio


def limit_of(request: Request, censoring: bool) -> int:
    """Longest that an answer is taken to be: where cut answers are known as such, its maximum."""
    return request.max_output_tokens if censoring else ENDLESS


def teaches(request: Request, censoring: bool) -> bool:
    """Whether an answer says anything new: cut at its maximum, it would have been longer.

    So it says that answers are longer than estimated, or nothing.
    """
    cut = censoring and request.output_tokens >= request.max_output_tokens
    return not cut or request.output_length > request.uncorrected_estimate * request.bias


class Compensator:
    """One run's compensator. Learns like river's estimators: `predict_one`, then `learn_one`.

    It owns its states and never changes a request.

    Parameters
    ----------
    spec : CompensatorSpec
        Whose functions.
    categories, tenants : int
        How many there are.
    detector : DetectorSpec
        What watches each category's errors; at an alarm what is known of it is forgotten.
    censoring : bool
        Whether an answer cut at its maximum is known to be one; see `teaches`.
    """

    def __init__(
        self,
        spec: CompensatorSpec,
        categories: int,
        tenants: int,
        detector: DetectorSpec,
        censoring: bool,
    ) -> None:
        self.spec, self.censoring = spec, censoring
        self.detectors = [detector.build() for _ in range(categories)]
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

    def predict_mean_one(self, request: Request) -> float:
        """Return the bias that gives the mean length, > 0; ``request.bias`` is `predict_one`'s."""
        return self.spec.predict_mean(self._levels(request), request, self.spec)

    def learn_one(self, request: Request, ratio: float) -> float:
        """Learn from a finished request (actual / base); return its like's bias from now on.

        Its actual length is ``request.output_length``, estimate and bias are those it was given.
        """
        detector = self.detectors[request.predicted]
        detector.update(log(request.output_length / max(request.estimated_output_tokens, 1)))
        if detector.drift_detected:
            self._forget(request.predicted)
        if not teaches(request, self.censoring):
            return self.predict_one(request)
        levels = self._levels(request)
        self.spec.learn_mean(levels, request, ratio, self.spec)
        return self.spec.learn(levels, request, ratio, self.spec)

    def length(self, request: Request, bias: float) -> int:
        """The length that a bias amounts to, whole."""
        limit = limit_of(request, self.censoring)
        return min(int(request.uncorrected_estimate * bias), limit)

    def _forget(self, category: int) -> None:
        """Have a category's state, and those of its pairs with tenants, begin anew."""
        for row in self.levels:
            row[category].pair.begin(self.spec.state)
        self.levels[0][category].category.begin(self.spec.state)

    def _levels(self, request: Request) -> Levels:
        return self.levels[request.tenant][request.predicted]
