"""Workload classification, predicted lengths, runtime drift compensation."""

from driftsched.estimation.classifier import CLASSIFIERS
from driftsched.estimation.compensators import COMPENSATORS, Compensator, CompensatorSpec
from driftsched.estimation.predictors import PREDICTORS, PredictorSpec

__all__ = [
    "CLASSIFIERS",
    "COMPENSATORS",
    "PREDICTORS",
    "Compensator",
    "CompensatorSpec",
    "PredictorSpec",
]
