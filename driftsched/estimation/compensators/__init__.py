"""Runtime drift compensation. A new compensator is one module here and one line below."""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.estimation.compensators.base import Compensator, CompensatorSpec, Levels

__all__ = ["COMPENSATORS", "Compensator", "CompensatorConfig", "CompensatorSpec", "Levels"]

COMPENSATORS: Registry[type[CompensatorSpec]] = Registry("compensator", __name__)
COMPENSATORS.add("none", "none:NoneConfig")
COMPENSATORS.add("ema", "ema:EmaConfig")
COMPENSATORS.add("log_ema", "log_ema:LogEmaConfig")
COMPENSATORS.add("quantile", "quantile:QuantileConfig")
COMPENSATORS.add("windowed_median", "windowed_median:WindowedMedianConfig")
COMPENSATORS.add("conformal", "conformal:ConformalConfig")
COMPENSATORS.add("kalman", "kalman:KalmanConfig")
COMPENSATORS.add("fixed_share", "fixed_share:FixedShareConfig")
COMPENSATORS.add("rls", "rls:RlsConfig")
COMPENSATORS.add("hierarchical", "hierarchical:HierarchicalConfig")
COMPENSATORS.add("oracle", "oracle:OracleConfig")

if TYPE_CHECKING:
    CompensatorConfig = CompensatorSpec
else:
    CompensatorConfig = by_kind(COMPENSATORS)
