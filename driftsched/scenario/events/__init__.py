"""Scenario events: faults and operations of the cluster while a run goes on.

A new kind is one module here and one line below.
"""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.scenario.events.autoscale import Autoscale
from driftsched.scenario.events.base import EventBase, Operations, ScalingRule, ScheduledAction
from driftsched.scenario.events.drain import Drain
from driftsched.scenario.events.outage import Outage
from driftsched.scenario.events.scale_in import ScaleIn
from driftsched.scenario.events.scale_out import ScaleOut
from driftsched.scenario.events.slow_down import SlowDown

__all__ = [
    "EVENTS",
    "Autoscale",
    "Drain",
    "EventBase",
    "Operations",
    "Outage",
    "ScaleIn",
    "ScaleOut",
    "ScalingRule",
    "ScenarioEvent",
    "ScheduledAction",
    "SlowDown",
]

EVENTS: Registry[type[EventBase]] = Registry("scenario event")
EVENTS.add("outage", Outage)
EVENTS.add("slow_down", SlowDown)
EVENTS.add("drain", Drain)
EVENTS.add("scale_out", ScaleOut)
EVENTS.add("scale_in", ScaleIn)
EVENTS.add("autoscale", Autoscale)

if TYPE_CHECKING:
    ScenarioEvent = EventBase
else:
    ScenarioEvent = by_kind(EVENTS)
