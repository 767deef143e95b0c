"""The serving side: how requests share a GPU, and which GPU and model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from driftsched.config import Config
from driftsched.scenario.rules import MOST
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import CostConfig, RooflineConfig

__all__ = ["Cluster", "Engine"]


class Engine(Config):
    """How requests share a GPU."""

    mode: Literal["gang", "continuous"] = "gang"
    batch_size: int = Field(32, ge=1, le=100_000, description="requests in a batch at most")
    batch_wait_s: float = Field(
        0.01, ge=0, le=3600, description="gang mode: wait this long for a fuller batch"
    )


class Cluster(Config):
    """The modelled hardware: GPU, model, memory, cost of an iteration."""

    gpu: str = "L4"
    model: str = "qwen1.5-1.8b"
    replicas: Literal[1] = 1
    memory_utilisation: float = Field(0.7, gt=0, le=1)
    activation_gb: float = Field(1.0, ge=0, description="memory kept for activations")
    context_tokens: int = Field(2048, ge=2, le=MOST, description="prompt + output at most")
    cost: CostConfig = RooflineConfig()

    @field_validator("gpu")
    @classmethod
    def _gpu(cls, name: str) -> str:
        GPUS[name]
        return name

    @field_validator("model")
    @classmethod
    def _model(cls, name: str) -> str:
        MODELS[name]
        return name
