"""The modelled GPU: catalogue, cost of an iteration, memory for the KV cache."""

from driftsched.serving.catalogue import GPUS, MODELS, STACKS, Gpu, Model, Stack
from driftsched.serving.curve import Curve
from driftsched.serving.iteration import IterationCost

__all__ = ["GPUS", "MODELS", "STACKS", "Curve", "Gpu", "IterationCost", "Model", "Stack"]
