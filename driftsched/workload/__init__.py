"""Scenario → table of requests: arrivals, lengths, prompts, imported traces."""

from driftsched.workload.drift import drift_marks
from driftsched.workload.findings import Finding, findings
from driftsched.workload.generate import generate
from driftsched.workload.load import Capacity, OfferedLoad, PhaseLoad, capacity, offered_load
from driftsched.workload.outlook import Stretch, load_over_time, stretches_frame
from driftsched.workload.preview import (
    arrival_preview,
    drift_preview,
    drifted_lengths,
    length_preview,
    preview_marks,
    rate_preview,
)
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
    "Capacity",
    "Finding",
    "OfferedLoad",
    "PhaseLoad",
    "PromptBook",
    "Segment",
    "Stretch",
    "TraceImport",
    "TraceLook",
    "TraceProblem",
    "Workload",
    "arrival_preview",
    "capacity",
    "drift_marks",
    "drift_preview",
    "drifted_lengths",
    "findings",
    "generate",
    "import_trace",
    "length_preview",
    "load_over_time",
    "look_at_trace",
    "offered_load",
    "preview_marks",
    "prompt_book",
    "rate_preview",
    "stretches_frame",
]
