"""Live runs: the same gateway in front of a real engine, on the wall clock."""

from driftsched.live.engine import Answer, Call, Engine, EngineError, EngineFacts, OnToken, Probe
from driftsched.live.engines import ENGINES, EngineSpec
from driftsched.live.options import LiveOptions, Retries, parse_options
from driftsched.live.prompts import live_workload
from driftsched.live.run import LiveRun
from driftsched.live.snapshot import LiveSnapshot
from driftsched.live.whole_run import run_live

__all__ = [
    "ENGINES",
    "Answer",
    "Call",
    "Engine",
    "EngineError",
    "EngineFacts",
    "EngineSpec",
    "LiveOptions",
    "LiveRun",
    "LiveSnapshot",
    "OnToken",
    "Probe",
    "Retries",
    "live_workload",
    "parse_options",
    "run_live",
]
