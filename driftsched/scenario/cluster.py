"""The serving side: which GPUs and model, how many replicas, who queues."""

from __future__ import annotations

from statistics import fmean
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from driftsched.core.config import MOST, Config, Name
from driftsched.core.errors import UnknownNameError
from driftsched.scheduling.routers import RouterConfig
from driftsched.scheduling.routers.least_outstanding import LeastOutstandingConfig
from driftsched.scheduling.server import Server
from driftsched.serving.catalogue import GPUS, MODELS, Gpu, Model
from driftsched.serving.cost import CostConfig, IterationCost, RooflineConfig
from driftsched.serving.memory import kv_capacity_tokens

__all__ = ["MOST_REPLICAS", "Cluster", "ReplicaGroup"]

MOST_REPLICAS = 1000

TYPICAL_TOKENS, MANY_TOKENS = 600, 2048
"""Held by a request that decodes, and in a prompt, where the server's pace is told."""


class ReplicaGroup(Config):
    """Replicas of one kind; what is left out is the cluster's."""

    replicas: int = Field(1, ge=1, le=MOST_REPLICAS)
    gpu: str | None = None
    model: str | None = None
    tensor_parallel: int | None = Field(None, ge=1, le=256)
    memory_utilisation: float | None = Field(None, gt=0, le=1)
    activation_gb: float | None = Field(None, ge=0)
    price_per_gpu_hour: float | None = Field(None, ge=0, le=1e6)
    cost: CostConfig | None = None


class Cluster(Config):
    """The modelled hardware: GPU, model, memory, cost of an iteration; how many, and who queues.

    GPU and model are names from the catalogue or of the scenario's own entries. Replicas of
    different kinds come in pools, which say only what differs.
    """

    own_gpus: dict[Name, Gpu] | None = Field(
        None, max_length=100, description="GPUs by their data sheet, for `gpu` to name"
    )
    own_models: dict[Name, Model] | None = Field(
        None, max_length=100, description="models by their shape, for `model` to name"
    )
    gpu: str = "L4"
    model: str = "qwen1.5-1.8b"
    replicas: int = Field(
        1, ge=1, le=MOST_REPLICAS, description="replicas, where there are no pools"
    )
    queue: Literal["central", "per_replica"] = Field(
        "central", description="one queue that all replicas draw from, or one each behind a router"
    )
    router: RouterConfig = LeastOutstandingConfig()
    tensor_parallel: int = Field(1, ge=1, le=256, description="GPUs that share each layer")
    memory_utilisation: float = Field(0.7, gt=0, le=1)
    activation_gb: float = Field(1.0, ge=0, description="memory kept for activations")
    context_tokens: int = Field(2048, ge=2, le=MOST, description="prompt + output at most")
    price_per_gpu_hour: float | None = Field(
        None, ge=0, le=1e6, description="of one GPU, in any currency"
    )
    cost: CostConfig = RooflineConfig()
    pools: tuple[ReplicaGroup, ...] = Field(
        (), max_length=100, description="replicas of different kinds"
    )

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

    @model_validator(mode="after")
    def _pools(self) -> Cluster:
        if self.pools and self.replicas != 1:
            raise ValueError(
                f"replicas must be left out where pools count their own, got {self.replicas}"
            )
        total = sum(pool.replicas for pool in self.pools)
        if total > MOST_REPLICAS:
            raise ValueError(f"pools must have <= {MOST_REPLICAS} replicas together, got {total}")
        for number, pool in enumerate(self.pools):
            machine = self._of(pool)
            try:
                machine.find_gpu()
                heads, gpus = machine.find_model().heads, machine.tensor_parallel
            except UnknownNameError as error:
                raise ValueError(f"pools[{number}]: {error}") from None
            if heads % gpus:
                raise ValueError(
                    f"pools[{number}].tensor_parallel must divide the {heads} heads of "
                    f"{machine.model}, got {gpus}"
                )
        return self

    @property
    def machines(self) -> list[Cluster]:
        """Each replica's hardware, in order of their numbers, as a cluster of one."""
        if not self.pools:
            return [self.model_copy(update={"replicas": 1})] * self.replicas
        return [machine for pool in self.pools for machine in [self._of(pool)] * pool.replicas]

    def _of(self, pool: ReplicaGroup) -> Cluster:
        own = {name: value for name, value in pool if value is not None}
        return self.model_copy(update=own | {"replicas": 1, "pools": ()})

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

    def server(self, seats: int) -> Server:
        """What serves a queue, where batches are of `seats`: the mean of the replicas, all busy.

        Raises
        ------
        ScenarioError
            When the model does not fit a replica's GPU.
        """
        machines = self.machines
        costs = [machine.build_cost() for machine in machines]
        kv_tokens = fmean(kv_capacity_tokens(machine) for machine in machines)
        held = int(min(seats * TYPICAL_TOKENS, kv_tokens))
        return Server(
            prompt_s=fmean(cost.linear(MANY_TOKENS) for cost in costs) / MANY_TOKENS,
            token_s=fmean(cost.decode_seconds(1, seats, held) for cost in costs),
            seats=seats,
            kv_tokens=kv_tokens,
            replicas=len(machines) if self.queue == "central" else 1,
        )
