"""How many points a minute a sweep does, with one process and with two, and whether both agree.

A point is the published experiment's 3000 requests under some policy, load and batch size; all
points differ. The time is that of the whole sweep from nothing, its processes' start included.
Other work on the machine takes from two processes more than from one: ``load_before`` says how
much there was.

    python benchmarks/sweep.py [--json] [--points 5000]
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from figures import measured

from driftsched.experiments.sweeps import plan, run_sweep, workers
from driftsched.scenario import load_scenario
from driftsched.simulation.compiled import warm_up

POLICIES, BATCHES = ("fifo", "sjf", "priority", "hrrn", "vtc"), (16, 32, 48, 64)


def figures(points: int) -> dict[str, Any]:
    """Sweep it twice."""
    warm_up()
    steps = max(points // (len(POLICIES) * len(BATCHES)), 2)
    over = [
        f"policy={','.join(POLICIES)}",
        f"load=0.5:1.5:{steps}",
        f"engine.batch_size={','.join(map(str, BATCHES))}",
    ]
    sweep = plan(load_scenario("paper"), over)
    found: dict[str, Any] = {"points": len(sweep.points), "load_before": os.getloadavg()[0]}
    tables = []
    for processes in (1, 2):
        began = time.perf_counter()
        with workers(processes) as by:
            tables.append(run_sweep(sweep, by=by))
        took_s = time.perf_counter() - began
        found[f"seconds_{processes}"] = took_s
        found[f"points_per_minute_{processes}"] = 60 * len(sweep.points) / took_s
    found["times_as_fast"] = found["seconds_1"] / found["seconds_2"]
    found["one_over_times_as_fast"] = 1 / found["times_as_fast"]
    found["differ"] = int(not tables[0].equals(tables[1]))
    found["load_after"] = os.getloadavg()[0]
    return found


if __name__ == "__main__":
    sys.exit(measured(figures, {"one_over_times_as_fast": 1 / 1.8, "differ": 0}, points=5000))
