"""Admission, tenant queues, and the gateway that joins them to policy, router and compensator."""

from driftsched.gateway.gateway import Gateway

__all__ = ["Gateway"]
