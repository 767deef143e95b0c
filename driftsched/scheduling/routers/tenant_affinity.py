"""Tenant affinity: each tenant has its home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["TenantAffinityConfig"]


class TenantAffinityConfig(RouterSpec):
    """Rule: replica number = tenant's place modulo the number of replicas, or the next on offer.

    It keeps prefix caches warm and isolates tenants, and does not balance.
    """

    label = "Tenant affinity"
    rule = "each tenant has its home"
    source = "session affinity of load balancers"
    home = "tenant"

    kind: Literal["tenant_affinity"] = "tenant_affinity"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: TenantAffinityConfig) -> float:
        return (replica.number - request.tenant) % choice.replicas
