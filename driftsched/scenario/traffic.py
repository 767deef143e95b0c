"""Traffic: categories of work, phases with arrivals and mixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from driftsched.core.config import Config, Name, Shares, Word
from driftsched.traffic.arrivals import ArrivalProcess, Arrivals
from driftsched.traffic.lengths import LengthDistribution

__all__ = ["Category", "Phase", "Prompts"]

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
    words_per_token: float = Field(0.75, ge=0.05, le=4)
    words_per_token_sd: float = Field(0.0, ge=0, le=1)
    length_correlation: float = Field(
        0.0,
        gt=-1,
        lt=1,
        description="rank correlation (Spearman) of prompt and answer length; needs prompt_tokens",
    )

    @model_validator(mode="after")
    def _correlated(self) -> Category:
        if self.length_correlation and self.prompt_tokens is None:
            raise ValueError(
                "length_correlation must be 0 where prompt_tokens is none, "
                f"got {self.length_correlation:g}"
            )
        return self


class Prompts(Config):
    """How prompt texts are made."""

    leak: bool = Field(
        True, description='write "Job type …" into the prompt, as the published generator does'
    )


def _countable(process: Arrivals) -> Arrivals:
    least, most = MEAN_GAP_S
    if not process.closed and not least <= process.mean_gap_s <= most:
        raise ValueError(
            f"mean gap must be from {least:g} to {most:g} s, got {process.mean_gap_s:g}"
        )
    return process


if TYPE_CHECKING:
    Countable = Arrivals
else:
    Countable = Annotated[ArrivalProcess, AfterValidator(_countable)]


class Phase(Config):
    """A stretch of traffic with its arrivals and one mix.

    `tenant_arrivals` gives tenants arrival processes of their own; those not named there share
    `arrivals` by their shares.
    """

    name: Name
    requests: int | None = Field(None, ge=1, le=20_000_000)
    duration_s: float | None = Field(None, gt=0, le=10_000_000)
    arrivals: Countable | None = Field(
        None, description="shared by the tenants without a process of their own"
    )
    tenant_arrivals: dict[str, Countable] | None = Field(
        None, min_length=1, max_length=1000, description="tenant → its own arrival process"
    )
    mix: Shares = Field(description="category → share of this phase's requests")
    shares: Shares | None = Field(
        None, description="tenant → share; None takes the tenants' own shares"
    )
    drain: bool = Field(False, description="wait until the queue is empty afterwards")
    pause_s: float = Field(0.0, ge=0, le=1_000_000, description="silence afterwards")

    @model_validator(mode="after")
    def _bounded(self) -> Phase:
        if (self.requests is None) == (self.duration_s is None):
            got = "neither" if self.requests is None else "both"
            raise ValueError(f"needs exactly one of requests and duration_s, got {got}")
        if not self.processes:
            raise ValueError("needs arrivals, tenant_arrivals or both, got neither")
        if self.requests is not None and len({process.closed for process in self.processes}) > 1:
            raise ValueError(
                "needs duration_s where a closed loop stands beside open arrivals, got requests"
            )
        if self.requests is not None and not self.arrives_for_ever:
            raise ValueError("needs duration_s where the last rate is 0, got requests")
        if self.duration_s is not None and any(
            process.closed and process.mean_gap_s == 0 for process in self.processes
        ):
            raise ValueError("needs requests where users think for 0 s, got duration_s")
        return self

    @property
    def processes(self) -> tuple[ArrivalProcess, ...]:
        """All arrival processes, the shared one first."""
        shared = () if self.arrivals is None else (self.arrivals,)
        return (*shared, *(self.tenant_arrivals or {}).values())

    @property
    def closed(self) -> bool:
        """Whether some arrivals wait for answers."""
        return any(process.closed for process in self.processes)

    @property
    def arrives_for_ever(self) -> bool:
        """Whether any number of requests comes in the end."""
        return any(process.endless for process in self.processes)

    @property
    def rate_rps(self) -> float:
        """Mean arrivals a second over the phase; of closed loops the most they can ask for."""
        if self.duration_s is None:
            return sum(process.rate for process in self.processes)
        return (
            sum(process.expected(self.duration_s) for process in self.processes) / self.duration_s
        )

    @property
    def expected_requests(self) -> float:
        """Requests, exactly or on average; of closed loops the most they can ask for."""
        if self.requests is not None:
            return float(self.requests)
        return self.rate_rps * (self.duration_s or 0.0)
