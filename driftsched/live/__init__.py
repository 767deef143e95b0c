"""Live runs: the same gateway in front of a real engine, on the wall clock.

A request's way: the gateway's clients make it at its time; `Dispatcher` takes the one that the
gateway chooses when a replica has room, and keeps an `InFlightRequest` of it from then on; that
hands a `Call` to the `Engine`, again where that may help, takes its tokens as they come and its
`Answer`, and knows how it ended; `Dispatcher` tells the gateway, which learns; `live_result` makes
a row of it, in a `LiveSnapshot` while the run goes and in its result.
"""

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
