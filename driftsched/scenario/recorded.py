"""Recorded traffic: which file, how its columns read, how rows become requests.

A new format with one request a row is one line in `FORMATS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from driftsched.core.config import MOST, Config, Name
from driftsched.core.registry import Registry

__all__ = [
    "BENCH",
    "FORMATS",
    "OTLP",
    "PREDICTED",
    "PROMETHEUS",
    "SERVEGEN",
    "TimeUnit",
    "TraceColumns",
    "TraceFormat",
    "TraceSource",
]

TimeUnit = Literal["s", "ms", "us", "ns", "datetime"]


class TraceColumns(Config):
    """Which column of a CSV or JSONL file means what; a dotted name steps into a JSON object."""

    time: str = Field(min_length=1, max_length=200)
    prompt_tokens: str = Field(min_length=1, max_length=200)
    output_tokens: str = Field(min_length=1, max_length=200)
    predicted_tokens: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="output tokens as predicted before, for the predictor column",
    )
    client: str | None = Field(
        None, min_length=1, max_length=200, description="who sent it, for tenants and sampling"
    )
    blocks: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="list of whole numbers, one a block of the prompt, equal in two requests whose "
        "prompts agree up to the end of that block",
    )
    block_tokens: int = Field(512, ge=1, le=MOST, description="tokens of such a block")
    time_unit: TimeUnit = "s"

    @property
    def by_use(self) -> dict[str, str]:
        """Columns that must be there, by what they are for."""
        uses = ("time", "prompt_tokens", "output_tokens", "predicted_tokens", "blocks", "client")
        return {use: name for use in uses if (name := getattr(self, use)) is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """The same without what for."""
        return tuple(self.by_use.values())


class TraceFormat(TraceColumns):
    """The columns of a known format, by which it is told from others."""

    also: tuple[str, ...] = ()
    """Further columns that it has."""
    failures: bool = False
    """Whether rows without output record failed requests, to be left out."""


def _format(time: str, prompt: str, output: str, **more: Any) -> TraceFormat:
    return TraceFormat(time=time, prompt_tokens=prompt, output_tokens=output, **more)


PREDICTED = "predicted_tokens"
"""Column of predicted output tokens, read where a file of a known format has it."""
BENCH, SERVEGEN, OTLP = "vllm_bench", "servegen", "otlp"
PROMETHEUS = "prometheus"
"""Formats that are read in ways of their own."""
FORMATS: Registry[TraceFormat] = Registry("trace format")
FORMATS.add("azure", _format("TIMESTAMP", "ContextTokens", "GeneratedTokens", time_unit="datetime"))
FORMATS.add(
    "mooncake",
    _format("timestamp", "input_length", "output_length", time_unit="ms", blocks="hash_ids"),
)
FORMATS.add(
    "burstgpt",
    _format("Timestamp", "Request tokens", "Response tokens", client="Model", failures=True),
)
FORMATS.add(
    "qwen_bailian",
    _format("timestamp", "input_length", "output_length", client="type", also=("chat_id",)),
)
FORMATS.add("arena", _format("req_time", "prompt_len", "output_len", client="client"))
FORMATS.add(
    OTLP,
    _format(
        *("startTimeUnixNano", "input_tokens", "output_tokens"),
        client="client",
        time_unit="ns",
        failures=True,
    ),
)

if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[("auto", *FORMATS, BENCH, SERVEGEN, PROMETHEUS, "columns")]


class TraceSource(Config):
    """Recorded traffic instead of phases, and the rules that map it to tenants and categories."""

    file: str = Field(min_length=1, max_length=1000)
    """A path, or the name of an uploaded file; see `trace_path`."""
    format: FormatName = Field(
        "auto", description="auto: told from the header; columns: any CSV or JSONL file"
    )
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
    category_rule: Literal["prompt", "output"] = Field(
        "prompt",
        description="prompt: categories in order of base_tokens take equal parts of the prompt "
        "lengths; output: foresight, the smallest category whose max_output_tokens holds the "
        "recorded answer, so that estimates know about it",
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
