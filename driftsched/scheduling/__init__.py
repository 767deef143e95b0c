"""Tenant queues, admission, policies, and the gateway that joins them."""

from driftsched.scheduling.policies import POLICIES, Policy, PolicySpec, StaticOrder
from driftsched.scheduling.request import Request

__all__ = ["POLICIES", "Policy", "PolicySpec", "Request", "StaticOrder"]
