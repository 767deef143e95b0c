"""GPUs, models and serving stacks the studio knows: one row each in catalogue.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, model_validator

from driftsched.core.config import Config
from driftsched.core.registry import Registry

__all__ = ["GPUS", "MODELS", "STACKS", "Gpu", "Model", "Stack"]

WEIGHT_BYTES = {"fp16": 2.0, "fp8": 1.0, "int4": 0.53}
"""Bytes a weight; int4 with a half-precision scale and zero for each group of 128 (GPTQ, AWQ)."""


class Gpu(Config):
    """A GPU's data sheet: dense TFLOPS, GB/s, GB, watts, and its link to its neighbours."""

    tflops: float = Field(gt=0, le=1e6, description="dense half precision")
    fp8_tflops: float | None = Field(None, gt=0, le=1e6, description="null: no fp8 arithmetic")
    bandwidth_gbs: float = Field(gt=0, le=1e6)
    memory_gb: float = Field(gt=0, le=1e5)
    tdp_w: float = Field(gt=0, le=1e5)
    idle_w: float = Field(ge=0, le=1e5)
    link_gbs: float = Field(32.0, gt=0, le=1e5, description="to other GPUs, one way; PCIe 4 x16")
    link_latency_us: float = Field(5.0, ge=0, le=1e5, description="a step of an all-reduce")
    kernel_us: float = Field(4.2, ge=0, le=1e4, description="a kernel that has next to no work")
    host_speed: float = Field(1.0, gt=0, le=100, description="a core of the host; DGX A100 = 1")
    source: str = Field("not stated", max_length=500)

    @model_validator(mode="after")
    def _power(self) -> Gpu:
        if self.idle_w > self.tdp_w:
            raise ValueError(f"idle_w must be <= tdp_w ({self.tdp_w:g}), got {self.idle_w:g}")
        return self


class Model(Config):
    """A transformer's shape; keys and values in half precision."""

    layers: int = Field(gt=0, le=10_000)
    hidden: int = Field(gt=0, le=1_000_000)
    heads: int = Field(gt=0, le=10_000)
    kv_heads: int = Field(gt=0, le=10_000)
    params_b: float = Field(gt=0, le=1e6)
    weights: Literal["fp16", "fp8", "int4"] = "fp16"
    source: str = Field("not stated", max_length=500)

    @model_validator(mode="after")
    def _shape(self) -> Model:
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads must be a multiple of kv_heads ({self.kv_heads}), got {self.heads}"
            )
        return self

    @property
    def params(self) -> float:
        """Number of parameters."""
        return self.params_b * 1e9

    @property
    def weight_bytes(self) -> float:
        """Bytes of all weights."""
        return WEIGHT_BYTES[self.weights] * self.params

    @property
    def kv_bytes_per_token(self) -> float:
        """Bytes of keys and values a token takes in all layers."""
        return 2 * 2 * self.layers * self.kv_heads * (self.hidden / self.heads)

    def kv_shards(self, tensor_parallel: int) -> int:
        """Parts that keys and values are split into: by head, and never finer."""
        return min(tensor_parallel, self.kv_heads)


class Stack(Config):
    """What a serving program adds to the GPU's own work.

    Attributes
    ----------
    layer_us : float
        Host time to start a layer's kernels, on the reference host.
    request_ms : float
        Host time a request in the iteration: building its inputs, sampling, detokenising.
    prompt_ms : float
        Time a new prompt: tokenising, admission, first transfer.
    score_bytes : float
        Bytes moved an attention score (query × key × head) where attention is not fused; not split.
    """

    layer_us: float = Field(0.0, ge=0)
    request_ms: float = Field(0.0, ge=0)
    prompt_ms: float = Field(0.0, ge=0)
    score_bytes: float = Field(0.0, ge=0)
    source: str


GPUS: Registry[Gpu] = Registry("GPU")
MODELS: Registry[Model] = Registry("model")
STACKS: Registry[Stack] = Registry("stack")

_rows = yaml.safe_load(Path(__file__).with_name("catalogue.yaml").read_text(encoding="utf-8"))
for _name, _row in _rows["gpus"].items():
    GPUS.add(_name, Gpu.model_validate(_row))
for _name, _row in _rows["models"].items():
    MODELS.add(_name, Model.model_validate(_row))
for _name, _row in _rows["stacks"].items():
    STACKS.add(_name, Stack.model_validate(_row))
