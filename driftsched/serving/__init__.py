"""The modelled GPU: catalogue, cost of an iteration, memory for the KV cache."""

from driftsched.serving.catalogue import GPUS, MODELS, Gpu, Model
from driftsched.serving.cost import IterationCost

__all__ = ["GPUS", "MODELS", "Gpu", "IterationCost", "Model"]
