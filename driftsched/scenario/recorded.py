"""Recorded traffic: which file, how its columns read, how rows become requests."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from driftsched.core.config import MOST, Config, Name

__all__ = ["TraceColumns", "TraceSource"]


class TraceColumns(Config):
    """Which column of a CSV or JSONL file means what; a dotted name steps into a JSON object."""

    time: str = Field(min_length=1, max_length=200)
    prompt_tokens: str = Field(min_length=1, max_length=200)
    output_tokens: str = Field(min_length=1, max_length=200)
    client: str | None = Field(
        None, min_length=1, max_length=200, description="who sent it, for tenants and sampling"
    )
    time_unit: Literal["s", "ms", "us", "ns", "datetime"] = "s"


class TraceSource(Config):
    """Recorded traffic instead of phases, and the rules that map it to tenants and categories."""

    file: str = Field(min_length=1, max_length=1000)
    format: Literal[
        "auto",
        "azure",
        "mooncake",
        "burstgpt",
        "qwen_bailian",
        "arena",
        "vllm_bench",
        "servegen",
        "columns",
    ] = Field("auto", description="auto: told from the header; columns: any CSV or JSONL file")
    columns: TraceColumns | None = Field(None, description="for the format columns")
    tenant_rule: Literal["share", "round_robin", "client"] = Field(
        "share",
        description="share: drawn by the tenants' shares; round_robin: in turn; client: each "
        "client of the file belongs to one tenant",
    )
    clients: dict[str, Name] | None = Field(
        None,
        description="client → tenant under the rule client; a client not named goes to the tenant "
        "of its name, else clients are dealt out by the tenants' shares, the busiest first",
    )
    category_rule: Literal["output", "prompt"] = Field(
        "output",
        description="output: smallest category whose max_output_tokens holds the answer; "
        "prompt: categories in order of base_tokens by quartile of the prompt length",
    )
    cap: bool = Field(False, description="cut recorded answers at the category's max_output_tokens")
    time_scale: float = Field(1.0, gt=0, le=1000, description="2 plays twice as slowly")
    from_s: float = Field(0.0, ge=0, le=MOST, description="skip what comes before, recorded time")
    until_s: float | None = Field(None, gt=0, le=MOST, description="skip what comes after")
    sample_clients: float = Field(1.0, gt=0, le=1, description="share of the clients taken")
    sample: float = Field(1.0, gt=0, le=1, description="share of the requests taken, at random")
    limit: int | None = Field(
        None, ge=1, le=MOST, description="take the first rows in order of time"
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="stop: refuse a file with a broken row; skip: leave it out and list it"
    )

    @model_validator(mode="after")
    def _consistent(self) -> TraceSource:
        if (self.format == "columns") != (self.columns is not None):
            got = "none" if self.columns is None else f"them with the format {self.format}"
            raise ValueError(f"columns are needed by the format columns and by no other, got {got}")
        if self.until_s is not None and self.until_s <= self.from_s:
            raise ValueError(f"until_s must be > from_s ({self.from_s:g}), got {self.until_s:g}")
        if self.clients is not None and self.tenant_rule != "client":
            raise ValueError(f"clients need the tenant_rule client, got {self.tenant_rule}")
        return self
