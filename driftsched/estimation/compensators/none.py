"""No compensation: the budget stays what the category says."""

from typing import Literal

from driftsched.estimation.compensators.base import Compensator, CompensatorSpec

__all__ = ["NoneConfig"]


class NoneConfig(CompensatorSpec):
    """The bias is 1 for ever: the baseline that DriftSched is compared with."""

    kind: Literal["none"] = "none"

    def build(self, categories: int) -> Compensator:
        return Compensator()
