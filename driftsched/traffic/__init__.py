"""The mechanisms of traffic: when requests come, how long they are, how both drift.

Each is a frozen value object of parameters that draws from a generator it is given; none knows a
scenario.
"""

from driftsched.traffic.arrivals import ARRIVALS, ArrivalProcess
from driftsched.traffic.drift import DRIFTS, DriftEvent
from driftsched.traffic.durations import DURATIONS, Duration
from driftsched.traffic.lengths import LENGTHS, LengthDistribution

__all__ = [
    "ARRIVALS",
    "DRIFTS",
    "DURATIONS",
    "LENGTHS",
    "ArrivalProcess",
    "DriftEvent",
    "Duration",
    "LengthDistribution",
]
