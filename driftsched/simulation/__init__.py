"""The simulated world: SimPy clock, modelled GPU, the same gateway as live runs."""

from driftsched.simulation.run import simulate

__all__ = ["simulate"]
