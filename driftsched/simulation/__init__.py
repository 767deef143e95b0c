"""The simulated world: SimPy clock, modelled GPU, the same gateway as live runs."""

from driftsched.simulation.run import ENGINES, EngineName, run_arrays, simulate

__all__ = ["ENGINES", "EngineName", "run_arrays", "simulate"]
