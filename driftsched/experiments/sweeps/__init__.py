"""Sweeps: any parameters of a scenario × values, ranges, seeds, on all cores or a cluster."""

from driftsched.experiments.sweeps.design import (
    Point,
    Sweep,
    plan,
    read_plan,
    scenario_at,
)
from driftsched.experiments.sweeps.executor import HERE, Workers, workers
from driftsched.experiments.sweeps.figures import FIGURES, Figure, figure_of, figures_of, measure
from driftsched.experiments.sweeps.folder import SweepFolder, kept_sweeps
from driftsched.experiments.sweeps.parameter import WHAT_IF, Parameter
from driftsched.experiments.sweeps.reading import cells, importance, pareto
from driftsched.experiments.sweeps.running import run_points, run_sweep, sweep_table

__all__ = [
    "FIGURES",
    "HERE",
    "WHAT_IF",
    "Figure",
    "Parameter",
    "Point",
    "Sweep",
    "SweepFolder",
    "Workers",
    "cells",
    "figure_of",
    "figures_of",
    "importance",
    "kept_sweeps",
    "measure",
    "pareto",
    "plan",
    "read_plan",
    "run_points",
    "run_sweep",
    "scenario_at",
    "sweep_table",
    "workers",
]
