"""The compiled engine: the SimPy engine's model as a numba kernel, arrays in, arrays out."""

from driftsched.simulation.compiled.cover import choose, lacks, uncovered
from driftsched.simulation.compiled.warm_up import at_hand, warm_up, warm_up_apart

__all__ = [
    "at_hand",
    "choose",
    "lacks",
    "uncovered",
    "warm_up",
    "warm_up_apart",
]
