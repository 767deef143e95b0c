"""Tenants: who sends, how important they are, what they may take, what their clients do."""

from __future__ import annotations

from math import inf
from typing import Literal

from pydantic import Field, model_validator

from driftsched.core.config import MOST, Config, Name
from driftsched.traffic.durations import MOST_S, Duration

__all__ = ["TIERS", "Limits", "Patience", "Retries", "Slo", "Tenant"]

TIERS = ("premium", "standard", "batch")
"""Service tiers in order of rank; rank 1 is served first by priority policies."""

Tier = Literal["premium", "standard", "batch"]
RetryOn = Literal["rejected", "failed", "timed_out", "cancelled"]


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


class Patience(Config):
    """When clients give a request up; None waits for ever.

    A timeout is a fixed limit of the client's program: the request ends as timed_out. Abandonment
    is a user's own patience, drawn for each request: who has no first token by then hangs up, and
    the request ends as cancelled. Whichever comes first counts.
    """

    first_token_timeout_s: float | None = Field(
        None, gt=0, le=MOST_S, description="from the request to its first token"
    )
    timeout_s: float | None = Field(
        None, gt=0, le=MOST_S, description="from the request to its last token"
    )
    abandonment: Duration | None = Field(
        None, description="patience until the first token, drawn for each request"
    )

    @property
    def endless(self) -> bool:
        """Whether nobody ever gives up."""
        return self == Patience()


class Retries(Config):
    """What clients do when a request ends badly: try again after a growing pause.

    The pause before try k + 1 is min(backoff_s · factor^(k − 1), max_backoff_s) · (1 − jitter · U),
    U uniform in [0, 1). A new try is a request of its own with the same prompt and lengths.
    """

    attempts: int = Field(1, ge=1, le=20, description="tries in all; 1 never tries again")
    backoff_s: float = Field(1.0, ge=0, le=MOST_S, description="first pause")
    factor: float = Field(2.0, ge=1, le=100, description="each pause is this much longer")
    max_backoff_s: float = Field(60.0, ge=0, le=MOST_S)
    jitter: float = Field(0.5, ge=0, le=1, description="share of the pause left to chance")
    after: tuple[RetryOn, ...] = Field(
        ("rejected", "failed", "timed_out"),
        min_length=1,
        max_length=4,
        description="ends after which clients try again",
    )

    @model_validator(mode="after")
    def _unique(self) -> Retries:
        if len(set(self.after)) < len(self.after):
            raise ValueError(f"after must name each end once, got {list(self.after)}")
        return self

    def pause_s(self, tries: int, uniform: float) -> float:
        """Seconds before the next try after `tries` tries; `uniform` is in [0, 1).

        Examples
        --------
        >>> [Retries(jitter=0).pause_s(tries, 0.0) for tries in (1, 2, 3, 9)]
        [1.0, 2.0, 4.0, 60.0]
        """
        pause = min(self.backoff_s * self.factor ** (tries - 1), self.max_backoff_s)
        return pause * (1 - self.jitter * uniform)


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

    @property
    def within_s(self) -> tuple[float, float]:
        """Seconds to the first and to the last token in which an answer is of use; inf: any.

        The SLO, or the client's timeout where that is shorter: an answer that nobody waits for
        keeps no objective.
        """
        slo, patience = self.slo, self.patience
        first_s = min(slo.ttft_s or inf, patience.first_token_timeout_s or inf)
        return first_s, min(slo.e2e_s or inf, patience.timeout_s or inf)
