"""How requests share a replica: batching, token budget, KV cache."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from driftsched.core.config import MOST, Config

__all__ = ["Engine"]


class Engine(Config):
    """How requests share a replica.

    Continuous mode is vLLM v1's: `batch_size` is its max_num_seqs, and the settings below
    `batch_wait_s` have its meaning. With their defaults prompts are computed whole, and a request
    holds KV cache for its longest answer from the start.
    """

    mode: Literal["gang", "continuous"] = "gang"
    batch_size: int = Field(32, ge=1, le=100_000, description="requests in a batch at most")
    batch_wait_s: float = Field(
        0.01, ge=0, le=3600, description="gang mode: wait this long for a fuller batch"
    )
    max_num_batched_tokens: int | None = Field(
        None, ge=1, le=MOST, description="continuous mode: tokens in an iteration at most"
    )
    chunked_prefill: bool = Field(
        True, description="prompts longer than the tokens left are computed in pieces"
    )
    kv: Literal["reserve", "paged"] = Field(
        "reserve",
        description="hold KV cache for the longest answer from the start, or block by block",
    )
    block_tokens: int = Field(16, ge=1, le=4096, description="tokens in a block of KV cache")
    admit: Literal["first_fit", "past_future"] = Field(
        "first_fit",
        description="paged: who may join, whose prompt has room, or with whom, by estimates, all "
        "that is to come has",
    )
    preempt: Literal["last_admitted", "lowest_rank"] = Field(
        "last_admitted",
        description="paged: who gives way when no block is free; of the lowest tier the last one",
    )

    @model_validator(mode="after")
    def _possible(self) -> Engine:
        if self.mode == "gang":
            if self.max_num_batched_tokens is not None:
                raise ValueError(
                    "max_num_batched_tokens must be left out in gang mode, got "
                    f"{self.max_num_batched_tokens}"
                )
            if self.kv == "paged":
                raise ValueError("kv must be 'reserve' in gang mode, got 'paged'")
        elif (self.max_num_batched_tokens or MOST) < self.batch_size:
            raise ValueError(
                f"max_num_batched_tokens must be >= batch_size ({self.batch_size}), a token for "
                f"each, got {self.max_num_batched_tokens}"
            )
        return self
