"""An oracle that knows each request's length: the bound no estimator can beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.estimation.compensators.base import CompensatorSpec

if TYPE_CHECKING:
    from driftsched.estimation.compensators.base import Levels
    from driftsched.scheduling.request import Request

__all__ = ["OracleConfig"]


class OracleConfig(CompensatorSpec):
    """Its bias makes each estimate equal to the actual length, so that the error is zero."""

    label = "Oracle"
    rule = "knows every length: what no estimator can beat"
    source = "the bound of perfect knowledge"

    kind: Literal["oracle"] = "oracle"

    @staticmethod
    def predict(states: Levels, request: Request, p: OracleConfig) -> float:
        # The half keeps int() of the product on the exact length in spite of rounding.
        return (request.output_length + 0.5) / request.uncorrected_estimate

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: OracleConfig) -> float:
        return 1.0
