"""Traffic: categories of work, phases with arrivals and mixes, or a recorded trace."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from driftsched.config import Config
from driftsched.scenario.rules import MOST, Name, Word, check_sum
from driftsched.workload.arrivals import ArrivalProcess
from driftsched.workload.lengths import LengthDistribution

__all__ = ["Category", "Phase", "Prompts", "TraceSource"]

MEAN_GAP_S = (1e-6, 1e6)


class Category(Config):
    """A kind of work: its budget, the key words that give it away, its lengths."""

    name: Name
    base_tokens: int = Field(ge=1, le=1_000_000, description="expected output at admission")
    max_output_tokens: int = Field(ge=1, le=1_000_000, description="the engine stops here")
    keywords: tuple[Word, ...] = Field((), max_length=100)
    prompt_tokens: LengthDistribution | None = Field(
        None, description="prompt length; None counts the words of the prompt template"
    )
    output_tokens: LengthDistribution = Field(description="natural output length")
    words_per_token: float = Field(0.75, gt=0, le=4)
    words_per_token_sd: float = Field(0.0, ge=0, le=1)


class Prompts(Config):
    """How prompt texts are made."""

    leak: bool = Field(
        True, description='write "Job type …" into the prompt, as the published generator does'
    )


class Phase(Config):
    """A stretch of traffic with one arrival process and one mix."""

    name: Name
    requests: int | None = Field(None, ge=1, le=20_000_000)
    duration_s: float | None = Field(None, gt=0, le=10_000_000)
    arrivals: ArrivalProcess
    mix: dict[str, float] = Field(description="category → share of this phase's requests")
    shares: dict[str, float] | None = Field(
        None, description="tenant → share; None takes the tenants' own shares"
    )
    drain: bool = Field(False, description="wait until the queue is empty afterwards")
    pause_s: float = Field(0.0, ge=0, le=1_000_000, description="silence afterwards")

    @model_validator(mode="after")
    def _bounded(self) -> Phase:
        if (self.requests is None) == (self.duration_s is None):
            got = "neither" if self.requests is None else "both"
            raise ValueError(f"needs exactly one of requests and duration_s, got {got}")
        return self

    @field_validator("arrivals")
    @classmethod
    def _countable(cls, arrivals: ArrivalProcess) -> ArrivalProcess:
        least, most = MEAN_GAP_S
        if not least <= arrivals.mean_gap_s <= most:
            raise ValueError(
                f"mean gap must be from {least:g} to {most:g} s, got {arrivals.mean_gap_s:g}"
            )
        return arrivals

    @field_validator("mix", "shares", mode="before")
    @classmethod
    def _numbers(cls, shares: Any) -> Any:
        for name, share in shares.items() if isinstance(shares, dict) else ():
            if isinstance(share, bool):
                got = str(share).lower()
                raise ValueError(f"{name} must be a number, got {got}")  # noqa: TRY004  pydantic's
        return shares

    @field_validator("mix", "shares")
    @classmethod
    def _shares(cls, shares: dict[str, float] | None) -> dict[str, float] | None:
        if shares is None:
            return None
        for name, share in shares.items():
            if share < 0:
                raise ValueError(f"{name} must be >= 0, got {share:g}")
        check_sum("shares", shares)
        return shares


class TraceSource(Config):
    """Recorded traffic instead of phases, and the rules that map it to tenants and categories."""

    file: str = Field(min_length=1, max_length=1000)
    format: Literal["azure"] = "azure"
    tenant_rule: Literal["share", "round_robin"] = Field(
        "share", description="share: drawn by the tenants' shares; round_robin: in turn"
    )
    category_rule: Literal["output", "prompt"] = Field(
        "output",
        description="output: smallest category whose max_output_tokens holds the answer; "
        "prompt: categories in order of base_tokens by quartile of the prompt length",
    )
    cap: bool = Field(False, description="cut recorded answers at the category's max_output_tokens")
    time_scale: float = Field(1.0, gt=0, le=1000, description="2 plays twice as slowly")
    limit: int | None = Field(
        None, ge=1, le=MOST, description="take the first rows in order of time"
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="stop: refuse a file with a broken row; skip: leave it out and list it"
    )
