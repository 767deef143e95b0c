"""Memory of a modelled GPU: how many tokens of KV cache fit beside the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.errors import ScenarioError
from driftsched.serving.catalogue import GPUS, MODELS

if TYPE_CHECKING:
    from driftsched.scenario.cluster import Cluster

__all__ = ["kv_capacity_tokens"]


def kv_capacity_tokens(cluster: Cluster) -> int:
    """Tokens of KV cache that fit: (memory · utilisation − weights − activations) / bytes a token.

    Raises
    ------
    ScenarioError
        When the weights leave no room.
    """
    gpu, model = GPUS[cluster.gpu], MODELS[cluster.model]
    usable = gpu.memory_gb * 1e9 * cluster.memory_utilisation
    free = usable - model.weight_bytes - cluster.activation_gb * 1e9
    tokens = int(free / model.kv_bytes_per_token) if free > 0 else 0
    if tokens < 1:
        raise ScenarioError(
            f"cluster: {cluster.model} needs {model.weight_bytes / 1e9:.1f} GB for its weights and "
            f"{cluster.activation_gb:g} GB for activations, which must be less than "
            f"memory_utilisation x memory of {cluster.gpu}, got {usable / 1e9:.1f} GB"
        )
    return tokens
