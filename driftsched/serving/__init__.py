"""The modelled GPU: catalogue, cost of an iteration, memory for the KV cache."""

from driftsched.serving.catalogue import GPUS, MODELS, STACKS, Gpu, Model, Stack
from driftsched.serving.iteration import CostArrays, IterationCost
from driftsched.serving.table import Curve, TableCost

__all__ = [
    "GPUS",
    "MODELS",
    "STACKS",
    "CostArrays",
    "Curve",
    "Gpu",
    "IterationCost",
    "Model",
    "Stack",
    "TableCost",
]
