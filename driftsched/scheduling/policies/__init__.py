"""Scheduling policies. A new one is one module here and one line below."""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.scheduling.policies.base import (
    PlannedPolicy,
    PolicySpec,
    ScorePolicy,
    TenantPolicy,
)
from driftsched.scheduling.policies.queues import Policy, StaticOrder

__all__ = [
    "PAPER_POLICIES",
    "POLICIES",
    "PlannedPolicy",
    "Policy",
    "PolicyConfig",
    "PolicySpec",
    "ScorePolicy",
    "StaticOrder",
    "TenantPolicy",
]

POLICIES: Registry[type[PolicySpec]] = Registry("policy", __name__)
POLICIES.add("fifo", "fifo:FifoConfig")
POLICIES.add("priority", "priority:PriorityConfig")
POLICIES.add("weighted", "weighted:WeightedConfig")
POLICIES.add("sjf", "sjf:SjfConfig")
POLICIES.add("aging", "aging:AgingConfig")
POLICIES.add("hrrn", "hrrn:HrrnConfig")
POLICIES.add("vtc", "vtc:VtcConfig")
POLICIES.add("srpt", "srpt:SrptConfig")
POLICIES.add("cmu", "cmu:CmuConfig")
POLICIES.add("edf", "edf:EdfConfig")
POLICIES.add("drr", "drr:DrrConfig")
POLICIES.add("goodput", "goodput:GoodputConfig")
POLICIES.add("mlfq", "mlfq:MlfqConfig")
POLICIES.add("tail", "tail:TailConfig")

PAPER_POLICIES = ("fifo", "priority", "weighted", "sjf", "aging")
"""The five that DriftSched compares: what is compared where nobody says otherwise."""

if TYPE_CHECKING:
    PolicyConfig = PolicySpec
else:
    PolicyConfig = by_kind(POLICIES)
