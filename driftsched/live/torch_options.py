"""Parameters of the in-process torch engine."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from driftsched.core.config import Config
from driftsched.live.engine import EngineSpec


class RandomModel(Config):
    """A Llama of this shape with random weights: it costs what a trained one costs."""

    layers: int = Field(4, ge=1, le=200)
    hidden: int = Field(256, ge=8, le=32_768)
    heads: int = Field(4, ge=1, le=256)
    kv_heads: int | None = Field(None, ge=1, le=256, description="None: as many as heads")
    intermediate: int | None = Field(None, ge=8, le=200_000, description="None: 8/3 of hidden")
    vocabulary: int = Field(4096, ge=64, le=500_000)

    @model_validator(mode="after")
    def _divisible(self) -> RandomModel:
        step = 2 * self.heads
        if self.hidden % step:
            raise ValueError(f"hidden must be a multiple of 2 x heads ({step}), got {self.hidden}")
        if self.heads % (self.kv_heads or self.heads):
            raise ValueError(f"kv_heads must divide heads ({self.heads}), got {self.kv_heads}")
        return self


class TorchOptions(EngineSpec):
    """A model in this process, on GPU or CPU, through transformers' continuous batching.

    Without `model` it is a randomly initialised one: for machines without weights.
    """

    engine: ClassVar[str] = "driftsched.live.torch_engine:TorchEngine"
    kind: Literal["torch"] = "torch"
    model: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="name on the hub, folder, or GGUF file; None: random weights",
    )
    random: RandomModel = RandomModel()
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2", "flash_attention_3"] = "auto"
    slots: int = Field(64, ge=1, le=4096, description="requests in one iteration at most")
    context_tokens: int = Field(2048, ge=16, le=1_000_000, description="prompt + output at most")
    kv_tokens: int | None = Field(
        None,
        ge=256,
        le=100_000_000,
        description="KV cache; None: what the GPU's memory holds, 32,768 on a CPU",
    )
    batch_tokens: int | None = Field(
        None, ge=16, le=1_000_000, description="tokens in one iteration at most, prompts included"
    )
    prefix_cache: bool = Field(False, description="share the cache of equal beginnings of prompts")
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; None: torch's own")
    seed: int = Field(1, ge=0, lt=2**32, description="of the sampling and of random weights")
