"""Tuning: parameters searched for what is wanted, and judged on requests that nobody searched."""

from driftsched.experiments.tuning.asked import Tuning, default_space
from driftsched.experiments.tuning.tune import Candidate, Tuned, tune

__all__ = ["Candidate", "Tuned", "Tuning", "default_space", "tune"]
