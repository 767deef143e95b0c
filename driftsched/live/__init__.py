"""Live runs: the same gateway in front of a real engine, on the wall clock."""

from driftsched.live.engine import Answer, Call, Engine, EngineError, EngineFacts, OnToken, Probe
from driftsched.live.engines import ENGINES, EngineSpec
from driftsched.live.options import LiveOptions, Retries

__all__ = [
    "ENGINES",
    "Answer",
    "Call",
    "Engine",
    "EngineError",
    "EngineFacts",
    "EngineSpec",
    "LiveOptions",
    "OnToken",
    "Probe",
    "Retries",
]
