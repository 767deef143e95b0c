"""One live run on this machine's GPU: throughput, and which NVML curves came with it.

    python benchmarks/gpu/live_run.py [--model NAME] [--requests 120] [--json] [--out FOLDER]

Needs torch, transformers, nvidia-ml-py and this project. Exit code 1 where a request was lost, or
where there is a GPU and its utilisation, memory or power was not read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, emit, options_of, traffic

from driftsched.live.run import run_live
from driftsched.results import RunResult, write_parquet
from driftsched.results.gpu_samples import GPU_COLUMNS

CURVES = GPU_COLUMNS[5:]
NEEDED = ("busy", "memory_used_mb", "power_w")


def figures(result: RunResult) -> dict[str, Any]:
    """What the run says of engine and telemetry."""
    requests, gpus = result.requests, result.gpus
    live = result.provenance["live"]
    duration = float(requests["finish_s"].max() - requests["arrival_s"].min())
    statuses = requests["status"].value_counts()
    return {
        "model": live["engine"]["model"],
        "server": live["engine"]["server"],
        "gpu": live["engine"]["gpu"],
        "telemetry": live["telemetry"],
        "duration_s": duration,
        "requests": len(requests),
        "ends": {str(name): int(count) for name, count in statuses.items() if count},
        "output_tokens_per_s": float(requests["output_tokens"].sum()) / duration,
        "p50_e2el_ms": 1e3 * float(requests["e2e_s"].median()),
        "p50_tpot_ms": 1e3 * float(requests["tpot_s"].median()),
        "samples": len(gpus),
        "curves": {name: _span(gpus[name].to_numpy(np.float64)) for name in CURVES},
    }


def _span(values: np.ndarray) -> dict[str, float] | None:
    """Least, mean and greatest value, and the share of samples that have one; None without any."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    return {
        "min": float(known.min()),
        "mean": float(known.mean()),
        "max": float(known.max()),
        "known": len(known) / len(values),
    }


def main() -> int:
    """Run, print, check."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--out", type=Path, help="write the run's tables here")
    args = parser.parse_args()
    result = run_live(traffic(args, seed=1), options_of(args))
    data = figures(result)
    missing = [name for name in NEEDED if data["gpu"] and data["curves"][name] is None]
    data["lost"] = data["requests"] - sum(data["ends"].values())
    data["missing_curves"] = missing
    if args.out:
        write_parquet(result, args.out)
    emit(data, args.json)
    return 1 if missing or data["lost"] or data["ends"].get("failed") else 0


if __name__ == "__main__":
    sys.exit(main())
