"""Workload classification, token budgets, runtime drift compensation."""

from driftsched.estimation.classifier import CLASSIFIERS
from driftsched.estimation.compensators import COMPENSATORS, Compensator, CompensatorSpec

__all__ = ["CLASSIFIERS", "COMPENSATORS", "Compensator", "CompensatorSpec"]
