"""Fit a scenario to recorded traffic."""

from driftsched.workload.fit.arrivals import ArrivalFit, fit_arrivals
from driftsched.workload.fit.drift import StepFit, fit_steps
from driftsched.workload.fit.lengths import LengthFit, fit_lengths
from driftsched.workload.fit.trace import CategoryFit, TraceFit, fit_trace

__all__ = [
    "ArrivalFit",
    "CategoryFit",
    "LengthFit",
    "StepFit",
    "TraceFit",
    "fit_arrivals",
    "fit_lengths",
    "fit_steps",
    "fit_trace",
]
