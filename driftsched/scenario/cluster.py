"""The serving side: how requests share a GPU, and which GPU and model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from driftsched.config import Config
from driftsched.scenario.rules import MOST, Name
from driftsched.serving.catalogue import GPUS, MODELS, Gpu, Model
from driftsched.serving.cost import CostConfig, IterationCost, RooflineConfig

__all__ = ["Cluster", "Engine"]


class Engine(Config):
    """How requests share a GPU."""

    mode: Literal["gang", "continuous"] = "gang"
    batch_size: int = Field(32, ge=1, le=100_000, description="requests in a batch at most")
    batch_wait_s: float = Field(
        0.01, ge=0, le=3600, description="gang mode: wait this long for a fuller batch"
    )


class Cluster(Config):
    """The modelled hardware: GPU, model, memory, cost of an iteration.

    GPU and model are names from the catalogue or of the scenario's own entries.
    """

    own_gpus: dict[Name, Gpu] | None = Field(
        None, max_length=100, description="GPUs by their data sheet, for `gpu` to name"
    )
    own_models: dict[Name, Model] | None = Field(
        None, max_length=100, description="models by their shape, for `model` to name"
    )
    gpu: str = "L4"
    model: str = "qwen1.5-1.8b"
    replicas: Literal[1] = 1
    tensor_parallel: int = Field(1, ge=1, le=256, description="GPUs that share each layer")
    memory_utilisation: float = Field(0.7, gt=0, le=1)
    activation_gb: float = Field(1.0, ge=0, description="memory kept for activations")
    context_tokens: int = Field(2048, ge=2, le=MOST, description="prompt + output at most")
    price_per_gpu_hour: float | None = Field(
        None, ge=0, le=1e6, description="of one GPU, in any currency"
    )
    cost: CostConfig = RooflineConfig()

    @field_validator("own_gpus", "own_models")
    @classmethod
    def _new_names(cls, own: dict[str, object] | None, info: ValidationInfo) -> object:
        for name in own or ():
            if name in (GPUS if info.field_name == "own_gpus" else MODELS):
                raise ValueError(f"names must not be in the catalogue, got {name!r}")
        return own

    @field_validator("gpu")
    @classmethod
    def _gpu(cls, name: str, info: ValidationInfo) -> str:
        if name not in (info.data.get("own_gpus") or ()):
            GPUS[name]
        return name

    @field_validator("model")
    @classmethod
    def _model(cls, name: str, info: ValidationInfo) -> str:
        if name not in (info.data.get("own_models") or ()):
            MODELS[name]
        return name

    @field_validator("tensor_parallel")
    @classmethod
    def _tensor_parallel(cls, gpus: int, info: ValidationInfo) -> int:
        name, own = info.data.get("model"), info.data.get("own_models") or {}
        model = own.get(name) or MODELS.get(str(name))
        if model is not None and model.heads % gpus:
            raise ValueError(f"must divide the {model.heads} heads of {name}, got {gpus}")
        return gpus

    def find_gpu(self, name: str | None = None) -> Gpu:
        """Data sheet of an own GPU or one from the catalogue, by default of `gpu`."""
        wanted = self.gpu if name is None else name
        return (self.own_gpus or {}).get(wanted) or GPUS[wanted]

    def find_model(self) -> Model:
        """Shape of the model."""
        return (self.own_models or {}).get(self.model) or MODELS[self.model]

    def build_cost(self, gpu: str | None = None) -> IterationCost:
        """What an iteration costs on a replica of `tensor_parallel` GPUs, by default of `gpu`."""
        return self.cost.build(self.find_gpu(gpu), self.find_model(), self.tensor_parallel)
