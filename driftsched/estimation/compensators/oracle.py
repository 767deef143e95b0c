"""An oracle that knows each request's length: the bound no estimator can beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.estimation.compensators.base import Compensator, CompensatorSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["Oracle", "OracleConfig"]


class Oracle(Compensator):
    """Its bias makes each estimate equal to the actual length, so that the error is zero."""

    def predict_one(self, request: Request) -> float:
        # The half keeps int() of the product on the exact length in spite of rounding.
        return (request.output_length + 0.5) / request.uncorrected_estimate


class OracleConfig(CompensatorSpec):
    """No parameters."""

    kind: Literal["oracle"] = "oracle"

    def build(self, categories: int) -> Compensator:
        return Oracle()
