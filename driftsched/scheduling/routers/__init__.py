"""Routers: who serves a request when each replica has its own queue.

A new router is one module here and one line below.
"""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.scheduling.routers.base import Choice, Loads, Offer, Router, RouterSpec

__all__ = ["ROUTERS", "Choice", "Loads", "Offer", "Router", "RouterConfig", "RouterSpec"]

ROUTERS: Registry[type[RouterSpec]] = Registry("router", __name__)
ROUTERS.add("round_robin", "round_robin:RoundRobinConfig")
ROUTERS.add("least_outstanding", "least_outstanding:LeastOutstandingConfig")
ROUTERS.add("least_estimated_tokens", "least_estimated_tokens:LeastEstimatedTokensConfig")
ROUTERS.add("least_kv_share", "least_kv_share:LeastKvShareConfig")
ROUTERS.add("power_of_two", "power_of_two:PowerOfTwoConfig")
ROUTERS.add("tenant_affinity", "tenant_affinity:TenantAffinityConfig")
ROUTERS.add("prefix_affinity", "prefix_affinity:PrefixAffinityConfig")

if TYPE_CHECKING:
    RouterConfig = RouterSpec
else:
    RouterConfig = by_kind(ROUTERS)
