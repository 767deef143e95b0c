"""VTC: the virtual token counter, fair shares of service counted in tokens."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import TenantPolicy

__all__ = ["VtcConfig"]


class VtcConfig(TenantPolicy):
    """Rule: the tenant that was given the least service first; FIFO inside a tenant.

    Service is counted in tokens: those of a prompt when it is chosen, those of an answer as they
    are given. A tenant that comes back is lifted to the least of those who wait, so that idle time
    is not saved up. While two tenants wait, what they were given differs by at most
    2·max(w_p·longest prompt, w_q·tokens in a batch). O(log tenants) a step, and O(batch) where
    tokens are counted.
    """

    label = "VTC"
    rule = "least service so far, counted in tokens"
    source = "Sheng et al. (arXiv 2401.00588), algorithm 2"
    rescored = False
    tenant_state: ClassVar[dict[str, float]] = {"counter": 0.0}
    by_tokens = True

    kind: Literal["vtc"] = "vtc"
    prompt_weight: float = Field(1.0, ge=0, le=1000, description="service a prompt token is worth")
    output_weight: float = Field(2.0, ge=0, le=1000, description="service an output token is worth")

    @staticmethod
    def score(tenant: Any, queue: Any, p: VtcConfig) -> float:
        return float(tenant.counter)

    @staticmethod
    def lift(tenant: Any, queue: Any, p: VtcConfig) -> None:
        tenant.counter = max(tenant.counter, queue.least)

    @staticmethod
    def charge(tenant: Any, queue: Any, request: Any, p: VtcConfig) -> None:
        tenant.counter += p.prompt_weight * request.prompt_tokens

    @staticmethod
    def generated(tenant: Any, tokens: int, p: VtcConfig) -> None:
        tenant.counter += p.output_weight * tokens
