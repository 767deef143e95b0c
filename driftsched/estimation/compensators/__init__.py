"""Runtime drift compensation. A new compensator is one module here and one line below."""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.estimation.compensators.base import Compensator, CompensatorSpec
from driftsched.estimation.compensators.ema import EmaConfig
from driftsched.estimation.compensators.none import NoneConfig
from driftsched.estimation.compensators.oracle import OracleConfig

__all__ = ["COMPENSATORS", "Compensator", "CompensatorConfig", "CompensatorSpec"]

COMPENSATORS: Registry[type[CompensatorSpec]] = Registry("compensator")
COMPENSATORS.add("none", NoneConfig)
COMPENSATORS.add("ema", EmaConfig)
COMPENSATORS.add("oracle", OracleConfig)

if TYPE_CHECKING:
    CompensatorConfig = CompensatorSpec
else:
    CompensatorConfig = by_kind(COMPENSATORS)
