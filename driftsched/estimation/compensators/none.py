"""No compensation: the budget stays what the category says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.estimation.compensators.base import CompensatorSpec

if TYPE_CHECKING:
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["NoneConfig"]


class NoneConfig(CompensatorSpec):
    """The bias is 1 for ever: the baseline that DriftSched is compared with."""

    label = "None"
    rule = "budgets stay what the category says"
    source = "the baseline of DriftSched (arXiv 2606.02982)"

    kind: Literal["none"] = "none"

    @staticmethod
    def predict(states: Levels, request: Request, p: NoneConfig) -> float:
        return 1.0

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: NoneConfig) -> float:
        return 1.0
