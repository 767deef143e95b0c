"""Scenario → table of requests: arrivals, lengths, prompts, imported traces."""

from driftsched.workload.drift import drift_marks
from driftsched.workload.generate import generate
from driftsched.workload.prompts import PromptBook, prompt_book
from driftsched.workload.table import Segment, Workload
from driftsched.workload.traces.formats import TraceLook, look_at_trace
from driftsched.workload.traces.load import TraceImport, import_trace
from driftsched.workload.traces.rows import TraceProblem

__all__ = [
    "PromptBook",
    "Segment",
    "TraceImport",
    "TraceLook",
    "TraceProblem",
    "Workload",
    "drift_marks",
    "generate",
    "import_trace",
    "look_at_trace",
    "prompt_book",
]
