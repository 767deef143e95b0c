"""Parameters of an OpenAI-compatible endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from driftsched.live.spec import EngineSpec, PriorityOrder

if TYPE_CHECKING:
    from driftsched.live.engine import Engine

__all__ = ["API_KEY", "OpenAIOptions"]

API_KEY = "DRIFTSCHED_API_KEY"
"""The environment variable that holds the key, where no other one is named."""
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~\-/]*)?")


class OpenAIOptions(EngineSpec):
    """One or more endpoints that speak OpenAI's HTTP interface, such as vLLM's or llama.cpp's.

    The key itself is never a parameter: it comes from the environment variable `key_variable`.
    """

    kind: Literal["openai"] = "openai"
    endpoints: tuple[str, ...] = Field(
        ("http://127.0.0.1:8000/v1",),
        min_length=1,
        max_length=64,
        description="base addresses, one a replica, all with the same model",
    )
    model: str | None = Field(
        None, min_length=1, max_length=300, description="None takes the first the endpoint lists"
    )
    api: Literal["chat", "completions"] = "chat"
    key_variable: str = Field(API_KEY, description="environment variable that holds the key")
    priority: Literal["none", "lower_first", "higher_first"] = Field(
        "none",
        description="lower_first: vLLM with --scheduling-policy priority; higher_first: SGLang",
    )
    send_seed: bool = Field(True, description="send each request's own sampling seed")
    prefix_cache: bool = Field(
        False, description="llama.cpp: beginnings of prompts that it knows are not computed again"
    )
    connect_timeout_s: float = Field(5.0, gt=0, le=120)
    max_answer_bytes: int = Field(8_000_000, ge=1000, le=1_000_000_000)
    max_line_bytes: int = Field(256_000, ge=1000, le=100_000_000)

    @field_validator("endpoints")
    @classmethod
    def _addresses(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        for address in endpoints:
            if len(address) > 300 or not ADDRESS.fullmatch(address):
                # Not shown: what was meant may hold a password.
                raise ValueError(
                    "must be http(s)://host[:port][/path] without user, key or query, "
                    "got one that is not"
                )
        return tuple(address.rstrip("/") for address in endpoints)

    @field_validator("key_variable")
    @classmethod
    def _variable(cls, name: str) -> str:
        if not VARIABLE.fullmatch(name):
            # Not shown: a key may have been put here by mistake.
            raise ValueError("must be the name of an environment variable in capitals")
        return name

    @property
    def priority_order(self) -> PriorityOrder | None:
        return None if self.priority == "none" else self.priority

    def build(self) -> Engine:
        from driftsched.live.openai_engine import OpenAIEngine

        return OpenAIEngine(self)
