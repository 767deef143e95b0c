"""Live runs: the same gateway in front of a real engine, on the wall clock."""

from driftsched.live.engine import (
    Answer,
    Call,
    Engine,
    EngineError,
    EngineFacts,
    EngineSpec,
    OnToken,
    Probe,
)
from driftsched.live.options import ENGINES, CallRetries, LiveOptions, parse_options
from driftsched.live.run import LiveRun, run_live
from driftsched.live.snapshot import LiveSnapshot
from driftsched.live.traffic import live_workload

__all__ = [
    "ENGINES",
    "Answer",
    "Call",
    "CallRetries",
    "Engine",
    "EngineError",
    "EngineFacts",
    "EngineSpec",
    "LiveOptions",
    "LiveRun",
    "LiveSnapshot",
    "OnToken",
    "Probe",
    "live_workload",
    "parse_options",
    "run_live",
]
