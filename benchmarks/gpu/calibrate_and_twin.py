"""How far a calibrated simulation is from the engine it was calibrated on.

    python benchmarks/gpu/calibrate_and_twin.py [--model NAME] [--requests 120] [--json]

A probe sweep and a first live run are each calibrated from; a second live run, of another seed and
under another policy, is then simulated with both entries. The limits on the error of the second
run's end-to-end latency are 5 % at P50 and 10 % at P99 on a GPU, 10 % and 20 % on a CPU. Exit code
1 where the entry of the first run does not keep them. Other work on the machine spoils the figures.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from common import arguments, emit, options_of, traffic

from driftsched.experiments.twin import build_twin
from driftsched.live.calibration import Calibration, calibrate_run
from driftsched.live.probe import ProbePlan, probe
from driftsched.live.run import run_live

if TYPE_CHECKING:
    from driftsched.results import RunResult

LIMITS = {True: (0.05, 0.10), False: (0.10, 0.20)}
"""Is there a GPU → most error of end-to-end latency at P50 and at P99."""


def errors(live: RunResult, calibration: Calibration) -> dict[str, Any]:
    """Error of the twin at P50, P90 and P99, and of its queue."""
    handover = calibration.handover_iterations
    twin = build_twin(
        live, calibration.cost(), handover_iterations=handover if handover == handover else 0.0
    )
    rows = twin.errors().to_dict(orient="records")
    found = {f"{row['metric']}_p{row['percentile']:g}": round(row["error"], 4) for row in rows}
    return found | {"queue_mean": round(twin.queue_error()["relative"], 4)}


def about(calibration: Calibration) -> dict[str, Any]:
    """Coefficients, fit, handover."""
    return {
        "coefficients": dict(calibration.coefficients),
        "fit": calibration.fit,
        "handover_iterations": calibration.handover_iterations,
    }


def main() -> int:
    """Probe, run twice, compare."""
    args = arguments(__doc__ or "").parse_args()
    options = options_of(args)
    plan = ProbePlan(batch=args.batch)
    swept, facts = asyncio.run(probe(options.engine.build(), plan))
    first = run_live(traffic(args, seed=1), options)
    second = run_live(traffic(args, seed=2, policy="sjf"), options)
    own = calibrate_run(first)
    found = errors(second, own)
    p50, p99 = LIMITS[facts.gpu is not None]
    data = {
        "model": facts.model,
        "gpu": facts.gpu,
        "probe": about(swept),
        "first_run": about(own),
        "errors_by_probe": errors(second, swept),
        "errors_by_first_run": found,
        "errors_of_first_run_itself": errors(first, own),
        "limits": {"e2el_p50": p50, "e2el_p99": p99},
        "met": abs(found["e2el_p50"]) <= p50 and abs(found["e2el_p99"]) <= p99,
    }
    emit(data, args.json)
    return 0 if data["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
