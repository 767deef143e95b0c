"""Clients: how long a tenant's users wait, and what they do when a request fails."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from driftsched.core.config import Config
from driftsched.traffic.durations import Duration

__all__ = ["Patience", "Retries"]

MOST_S = 10_000_000

RetryOn = Literal["rejected", "failed", "timed_out", "cancelled"]


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
