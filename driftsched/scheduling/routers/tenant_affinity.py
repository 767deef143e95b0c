"""Tenant affinity: each tenant has its home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import Loads, Router, RouterSpec, next_after

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["TenantAffinity", "TenantAffinityConfig"]


class TenantAffinity(Router):
    """Rule: replica number = tenant's place modulo the number of replicas, or the next on offer.

    It keeps prefix caches warm and isolates tenants, and does not balance.
    """

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas

    def route(self, request: Request, among: Sequence[int]) -> int:
        return next_after(request.tenant % self._replicas - 1, among)


class TenantAffinityConfig(RouterSpec):
    """No parameters."""

    kind: Literal["tenant_affinity"] = "tenant_affinity"

    def build(self, loads: Loads, seed: int) -> Router:
        return TenantAffinity(len(loads.requests))
