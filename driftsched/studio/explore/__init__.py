"""The parts of the Explore page, in the order in which it shows them."""

from driftsched.studio.explore.ask import ensemble_for
from driftsched.studio.explore.controls import controls
from driftsched.studio.explore.estimates import estimates
from driftsched.studio.explore.headline import headline
from driftsched.studio.explore.latency import latency
from driftsched.studio.explore.queues import queues
from driftsched.studio.explore.service import service
from driftsched.studio.explore.sweep import sweep
from driftsched.studio.explore.trust import trusted

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
