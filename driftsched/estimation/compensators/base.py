"""What a drift compensator is: it learns how far off a category's budget runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.core.config import Config

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["Compensator", "CompensatorSpec"]


class Compensator:
    """State of one run. Learns like river's estimators: `predict_one`, then `learn_one`.

    The base class corrects nothing. Subclasses may keep any state; they own it, and neither
    method may change the request.
    """

    def predict_one(self, request: Request) -> float:
        """Return the bias by which the request's base budget is multiplied, > 0.

        ``request.predicted`` is the category as classified, ``request.uncorrected_estimate`` the
        budget at bias 1 (base · safety · input factor).
        """
        return 1.0

    def learn_one(self, request: Request, ratio: float) -> float:
        """Learn from a finished request and return the category's bias from now on.

        Parameters
        ----------
        request : Request
            The finished request, its actual length in ``output_length``.
        ratio : float
            Actual length / base tokens of the category as classified, > 0.
        """
        return 1.0


class CompensatorSpec(Config):
    """Common base of the compensators' parameters; subclasses define `build`."""

    kind: str

    def build(self, categories: int) -> Compensator:
        """Return a fresh compensator for `categories` categories."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it
