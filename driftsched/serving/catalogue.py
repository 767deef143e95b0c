"""GPUs and models the studio knows: one row each in catalogue.yaml."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field

from driftsched.config import Config
from driftsched.registry import Registry

__all__ = ["GPUS", "MODELS", "Gpu", "Model"]


class Gpu(Config):
    """A GPU's data sheet: dense TFLOPS, GB/s, GB, watts."""

    tflops: float = Field(gt=0)
    bandwidth_gbs: float = Field(gt=0)
    memory_gb: float = Field(gt=0)
    tdp_w: float = Field(gt=0)
    idle_w: float = Field(ge=0)
    source: str


class Model(Config):
    """A transformer's shape; weights and keys and values in half precision."""

    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    kv_heads: int = Field(gt=0)
    params_b: float = Field(gt=0)
    source: str

    @property
    def params(self) -> float:
        """Number of parameters."""
        return self.params_b * 1e9

    @property
    def weight_bytes(self) -> float:
        """Bytes of the weights at two bytes each."""
        return 2 * self.params

    @property
    def kv_bytes_per_token(self) -> float:
        """Bytes of keys and values a token takes in all layers."""
        return 2 * 2 * self.layers * self.kv_heads * (self.hidden / self.heads)


GPUS: Registry[Gpu] = Registry("GPU")
MODELS: Registry[Model] = Registry("model")

_rows = yaml.safe_load(Path(__file__).with_name("catalogue.yaml").read_text(encoding="utf-8"))
for _name, _row in _rows["gpus"].items():
    GPUS.add(_name, Gpu.model_validate(_row))
for _name, _row in _rows["models"].items():
    MODELS.add(_name, Model.model_validate(_row))
