"""The parts of the Explore page, in the order in which it shows them."""

from driftsched.studio.explore.controls import controls
from driftsched.studio.explore.figures import ensemble_for, trusted
from driftsched.studio.explore.headline import headline
from driftsched.studio.explore.latency import latency
from driftsched.studio.explore.over_time import estimates, queues
from driftsched.studio.explore.service import service
from driftsched.studio.explore.sweep import sweep

__all__ = [
    "controls",
    "ensemble_for",
    "estimates",
    "headline",
    "latency",
    "queues",
    "service",
    "sweep",
    "trusted",
]
