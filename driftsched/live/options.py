"""How a live run is carried out: engine, time scale, slots, time limits, retries.

A new engine is one module with its parameters and one line here. Those modules import no heavy
library: that loads when the engine is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, model_validator

from driftsched.core.config import Config, by_kind
from driftsched.core.errors import InputError
from driftsched.core.registry import Registry
from driftsched.live.engine import EngineSpec
from driftsched.live.openai_options import OpenAIOptions
from driftsched.live.torch_options import TorchOptions
from driftsched.scenario.messages import one_line

ENGINES: Registry[type[EngineSpec]] = Registry("engine")
ENGINES.add("torch", TorchOptions)
ENGINES.add("openai", OpenAIOptions)

if TYPE_CHECKING:
    EngineConfig = EngineSpec
else:
    EngineConfig = by_kind(ENGINES)


class CallRetries(Config):
    """Second attempts after connection errors, 429 and 503, as long as no token has come.

    The wait before attempt k + 1 is backoff_s · 2^(k - 1), or what the engine asks for
    (Retry-After), in both cases at most `most_s`.
    """

    attempts: int = Field(4, ge=1, le=20, description="attempts in all")
    backoff_s: float = Field(0.5, ge=0, le=60, description="wait before the second attempt")
    most_s: float = Field(20.0, ge=0, le=600, description="longest single wait")

    def wait_s(self, attempt: int, asked_s: float | None) -> float:
        """Seconds to wait after attempt number `attempt` (from 1) has failed."""
        wanted = self.backoff_s * 2.0 ** (attempt - 1) if asked_s is None else asked_s
        return min(max(wanted, 0.0), self.most_s)


class LiveOptions(Config):
    """What a live run needs beside its scenario; one validated value object."""

    engine: EngineConfig
    time_scale: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="2 sends the requests half as fast as the scenario says, for a slower engine; "
        "users then think, wait and pause twice as long",
    )
    slots: int | None = Field(
        None,
        ge=1,
        le=10_000,
        title="Requests in the engine",
        description="at most so many at once in each replica; the others wait in our queues, where "
        "the policy decides; none: the scenario's batch size, as far as the engine goes",
    )
    timeout_s: float = Field(
        300.0,
        gt=0,
        le=86_400,
        title="Give up a request after (s)",
        description="from dispatch to the last token, attempts included; it then counts as timed "
        "out",
    )
    first_token_timeout_s: float = Field(
        120.0, gt=0, le=86_400, description="from the start of an attempt to its first token"
    )
    stall_timeout_s: float = Field(60.0, gt=0, le=86_400, description="from one token to the next")
    retries: CallRetries = CallRetries()
    temperature: float = Field(0.7, ge=0, le=2, description="of the sampling; the paper's is 0.7")
    engine_queue: bool = Field(
        False,
        title="Let the engine queue",
        description="send every request at once and let the engine queue by its priority",
    )
    telemetry_s: float = Field(0.2, ge=0.05, le=60, description="distance of telemetry samples")

    @model_validator(mode="after")
    def _ordered(self) -> LiveOptions:
        if self.engine_queue and self.engine.priority_order is None:
            raise ValueError(
                "engine_queue must be false for an engine that takes no priority, got true"
            )
        return self


def parse_options(data: Mapping[str, Any]) -> LiveOptions:
    """Validate the options of a live run.

    Raises
    ------
    InputError
        One line: path, rule, value; an address or a key is never shown.

    Examples
    --------
    >>> parse_options({"engine": {"kind": "openai"}, "slots": 4}).slots
    4
    """
    try:
        return LiveOptions.model_validate(data)
    except ValidationError as error:
        raise InputError(one_line(error, LiveOptions, "live run")) from None
