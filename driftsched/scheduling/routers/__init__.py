"""Routers: who serves a request when each replica has its own queue.

A new router is one module here and one line below.
"""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.scheduling.routers.base import Loads, Router, RouterSpec
from driftsched.scheduling.routers.least_estimated_tokens import LeastEstimatedTokensConfig
from driftsched.scheduling.routers.least_outstanding import LeastOutstandingConfig
from driftsched.scheduling.routers.power_of_two import PowerOfTwoConfig
from driftsched.scheduling.routers.round_robin import RoundRobinConfig
from driftsched.scheduling.routers.tenant_affinity import TenantAffinityConfig

__all__ = ["ROUTERS", "Loads", "Router", "RouterConfig", "RouterSpec"]

ROUTERS: Registry[type[RouterSpec]] = Registry("router")
ROUTERS.add("round_robin", RoundRobinConfig)
ROUTERS.add("least_outstanding", LeastOutstandingConfig)
ROUTERS.add("least_estimated_tokens", LeastEstimatedTokensConfig)
ROUTERS.add("power_of_two", PowerOfTwoConfig)
ROUTERS.add("tenant_affinity", TenantAffinityConfig)

if TYPE_CHECKING:
    RouterConfig = RouterSpec
else:
    RouterConfig = by_kind(ROUTERS)
