"""Memory of a modelled replica: how many tokens and blocks of KV cache fit beside the weights."""

from __future__ import annotations

from typing import Protocol

from driftsched.core.errors import ScenarioError
from driftsched.serving.catalogue import Gpu, Model

__all__ = ["Machine", "kv_blocks", "kv_capacity_tokens", "memory_parts"]


class Machine(Protocol):
    """A replica's hardware, as a scenario's cluster describes it."""

    @property
    def gpu(self) -> str:
        """Name of the GPU."""
        ...

    @property
    def model(self) -> str:
        """Name of the model."""
        ...

    @property
    def tensor_parallel(self) -> int:
        """GPUs that share the model."""
        ...

    @property
    def memory_utilisation(self) -> float:
        """Share of the memory that is used."""
        ...

    @property
    def activation_gb(self) -> float:
        """Memory kept for activations."""
        ...

    def find_gpu(self, name: str | None = None) -> Gpu:
        """Data sheet."""
        ...

    def find_model(self) -> Model:
        """Shape of the model."""
        ...


def kv_capacity_tokens(cluster: Machine, gpu: str | None = None) -> int:
    """Tokens of KV cache that fit on a replica of N GPUs (N = tensor_parallel).

    On each GPU: (memory · utilisation - weights / N - activations) / (bytes a token / shards);
    keys and values are split by head, into min(N, kv_heads) shards.

    Parameters
    ----------
    cluster : Machine
        Its model, utilisation, activations, tensor_parallel.
    gpu : str, optional
        The replica's GPU, by default `cluster.gpu`.

    Raises
    ------
    ScenarioError
        When the weights leave no room.
    """
    name = cluster.gpu if gpu is None else gpu
    hardware, model = cluster.find_gpu(name), cluster.find_model()
    usable = hardware.memory_gb * 1e9 * cluster.memory_utilisation
    weights = model.weight_bytes / cluster.tensor_parallel
    free = usable - weights - cluster.activation_gb * 1e9
    per_token = model.kv_bytes_per_token / model.kv_shards(cluster.tensor_parallel)
    tokens = int(free / per_token) if free > 0 else 0
    if tokens < 1:
        raise ScenarioError(
            f"cluster: {cluster.model} needs {weights / 1e9:.1f} GB for its weights and "
            f"{cluster.activation_gb:g} GB for activations{_each(cluster)}, which must be less "
            f"than memory_utilisation x memory of {name}, got {usable / 1e9:.1f} GB"
        )
    return tokens


def memory_parts(cluster: Machine) -> dict[str, float]:
    """GB of one GPU of a replica: Weights, Activations, KV cache, Left free.

    Raises
    ------
    ScenarioError
        When the weights leave no room.
    """
    gpus, model = cluster.tensor_parallel, cluster.find_model()
    per_token = model.kv_bytes_per_token / model.kv_shards(gpus)
    parts = {
        "Weights": model.weight_bytes / gpus / 1e9,
        "Activations": cluster.activation_gb,
        "KV cache": kv_capacity_tokens(cluster) * per_token / 1e9,
    }
    return parts | {"Left free": cluster.find_gpu().memory_gb - sum(parts.values())}


def kv_blocks(tokens: int, block_tokens: int) -> int:
    """Whole blocks of `block_tokens` that `tokens` of KV cache hold."""
    return tokens // block_tokens


def _each(cluster: Machine) -> str:
    return " on each GPU" if cluster.tensor_parallel > 1 else ""
