"""Scenario → table of requests: arrivals, lengths, prompts, imported traces."""

from driftsched.workload.arrivals import ARRIVALS, ArrivalProcess
from driftsched.workload.drift import DRIFTS, DriftEvent
from driftsched.workload.drift.marks import drift_marks
from driftsched.workload.generate import generate
from driftsched.workload.lengths import LENGTHS, LengthDistribution
from driftsched.workload.load import OfferedLoad, PhaseLoad, offered_load
from driftsched.workload.preview import arrival_preview, length_preview
from driftsched.workload.prompts import PromptBook, prompt_book
from driftsched.workload.table import Segment, Workload
from driftsched.workload.traces import (
    TraceImport,
    TraceLook,
    TraceProblem,
    import_trace,
    look_at_trace,
)

__all__ = [
    "ARRIVALS",
    "DRIFTS",
    "LENGTHS",
    "ArrivalProcess",
    "DriftEvent",
    "LengthDistribution",
    "OfferedLoad",
    "PhaseLoad",
    "PromptBook",
    "Segment",
    "TraceImport",
    "TraceLook",
    "TraceProblem",
    "Workload",
    "arrival_preview",
    "drift_marks",
    "generate",
    "import_trace",
    "length_preview",
    "look_at_trace",
    "offered_load",
    "prompt_book",
]
