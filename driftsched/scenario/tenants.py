"""Tenants: who sends, how important they are, what they may take."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from driftsched.core.config import MOST, Config, Name
from driftsched.scenario.clients import Patience, Retries

__all__ = ["TIERS", "Limits", "Slo", "Tenant"]

TIERS = ("premium", "standard", "batch")
"""Service tiers in order of rank; rank 1 is served first by priority policies."""

Tier = Literal["premium", "standard", "batch"]


class Limits(Config):
    """What a tenant may take at most; None is unlimited."""

    waiting: int | None = Field(None, ge=0, le=MOST, description="requests in the tenant's queue")
    rate_rps: float | None = Field(None, gt=0, description="admitted requests a second")
    burst: int = Field(
        1, ge=1, le=MOST, description="requests that may come at once under rate_rps"
    )
    running: int | None = Field(None, ge=1, le=MOST, description="requests in the engine at once")


class Slo(Config):
    """Service-level objectives of a tenant in seconds; None is no objective."""

    ttft_s: float | None = Field(None, gt=0)
    tpot_s: float | None = Field(None, gt=0)
    e2e_s: float | None = Field(None, gt=0)


class Tenant(Config):
    """One tenant: who sends, how important, how much of the traffic."""

    name: Name
    tier: Tier = "standard"
    weight: float = Field(1.0, gt=0, le=1000, description="share of service under Weighted")
    share: float = Field(ge=0, le=1, description="share of the requests")
    safety_factor: float = Field(1.0, gt=0, le=10, description="multiplies the token budget")
    prefix_hit_rate: float = Field(
        0.0, ge=0, le=1, description="share of a prompt found in the prefix cache"
    )
    slo: Slo = Slo()
    limits: Limits = Limits()
    patience: Patience = Patience()
    retries: Retries = Retries()

    @property
    def rank(self) -> int:
        """Rank of the tier, 1 (premium) to 3 (batch)."""
        return TIERS.index(self.tier) + 1
