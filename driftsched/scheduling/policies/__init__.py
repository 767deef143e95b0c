"""Scheduling policies. A new policy is one module here and one line below."""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.scheduling.policies.aging import AgingConfig
from driftsched.scheduling.policies.base import Policy, PolicySpec, StaticOrder
from driftsched.scheduling.policies.fifo import FifoConfig
from driftsched.scheduling.policies.priority import PriorityConfig
from driftsched.scheduling.policies.sjf import SjfConfig
from driftsched.scheduling.policies.weighted import WeightedConfig

__all__ = ["POLICIES", "Policy", "PolicyConfig", "PolicySpec", "StaticOrder"]

POLICIES: Registry[type[PolicySpec]] = Registry("policy")
POLICIES.add("fifo", FifoConfig)
POLICIES.add("priority", PriorityConfig)
POLICIES.add("weighted", WeightedConfig)
POLICIES.add("sjf", SjfConfig)
POLICIES.add("aging", AgingConfig)

if TYPE_CHECKING:
    PolicyConfig = PolicySpec
else:
    PolicyConfig = by_kind(POLICIES)
