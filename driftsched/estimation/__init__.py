"""Workload classification, predicted lengths, drift detection, runtime drift compensation."""

from driftsched.estimation.classifier import CLASSIFIERS
from driftsched.estimation.compensators import COMPENSATORS, Compensator, CompensatorSpec
from driftsched.estimation.detectors import DETECTORS, Detector, DetectorSpec
from driftsched.estimation.predictors import PREDICTORS, PredictorSpec

__all__ = [
    "CLASSIFIERS",
    "COMPENSATORS",
    "DETECTORS",
    "PREDICTORS",
    "Compensator",
    "CompensatorSpec",
    "Detector",
    "DetectorSpec",
    "PredictorSpec",
]
