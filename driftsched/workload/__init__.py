"""Scenario → table of requests: arrivals, lengths, prompts, imported traces."""

from driftsched.workload.arrivals import ARRIVALS, ArrivalProcess
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
    "LENGTHS",
    "ArrivalProcess",
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
    "generate",
    "import_trace",
    "length_preview",
    "look_at_trace",
    "offered_load",
    "prompt_book",
]
