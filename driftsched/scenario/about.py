"""What a scenario's question is about: whose figure, which one, and compared with what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from driftsched.core.config import Config, Word

__all__ = ["About"]

Measure = Literal["e2e_s", "ttft_s", "tpot_s", "queue_wait_s"]


class About(Config):
    """What the answer to a scenario's question compares.

    Without `against` policies are compared with each other, with it the scenario with itself.
    """

    measure: Measure = Field("e2e_s", description="the latency that is asked about")
    percentile: float = Field(95, gt=0, lt=100, description="of that latency")
    tenants: tuple[Word, ...] = Field(
        (), max_length=1000, description="whom the question is about; none: everybody"
    )
    whom: str = Field("", max_length=60, description="what those tenants are called together")
    against: tuple[Annotated[str, Field(max_length=2000)], ...] = Field(
        (), max_length=20, description="changes, key.path=value, that make the alternative"
    )
    alternative: str = Field("", max_length=80, description="what the alternative is called")
    price: Measure | None = Field(None, description="the latency in which the others pay")
    correction: bool = Field(False, description="whether it asks what the correction is worth")
    recovery: bool = Field(False, description="whether it asks how soon estimates are right again")
