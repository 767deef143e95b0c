"""Recorded traffic: read a file, tell its format, map its rows to requests."""

from driftsched.workload.traces.formats import TraceLook, look_at_trace
from driftsched.workload.traces.load import TraceImport, import_trace
from driftsched.workload.traces.rows import TraceProblem

__all__ = [
    "TraceImport",
    "TraceLook",
    "TraceProblem",
    "import_trace",
    "look_at_trace",
]
