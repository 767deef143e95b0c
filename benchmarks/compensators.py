"""How long compensators take to follow a long stream of lengths, each beside a sort of as many.

    python benchmarks/compensators.py [--json] [--requests 100000]

Warm: the code is compiled first. Times are the processor's; the unit, numpy's sort of as many
numbers in the same run, holds for other machines. What detectors add is told of the EMA.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import figures
import numpy as np

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.experiments.lab import compensators_named, draw_stream, estimates

LIMITS = {"all_s": 3.0, "all_per_sort": 400.0}


def seconds(work: Callable[[], object]) -> float:
    """Least processor time of three calls, after one that does not count."""
    times = []
    for _ in range(4):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times[1:])


def measure(requests: int) -> dict[str, float]:
    """Time each compensator, each detector on the EMA, and the sort."""
    stream = draw_stream("step", 0.6, 1, requests=requests)
    values = np.random.default_rng(1).random(requests)
    sort = seconds(lambda: np.sort(values))
    found = {
        kind: seconds(partial(estimates, stream, spec))
        for kind, spec in compensators_named([*COMPENSATORS]).items()
        if kind != "oracle"
    }
    ema = compensators_named(["ema"])["ema"]
    watched = {
        f"ema_{kind}_s": seconds(partial(estimates, stream, ema, form()))
        for kind, form in DETECTORS.items()
        if kind != "none"
    }
    total = sum(found.values())
    each = {f"{kind}_s": value for kind, value in found.items()}
    return {"all_s": total, "all_per_sort": total / sort, "sort_s": sort} | each | watched


if __name__ == "__main__":
    sys.exit(figures.measured(measure, LIMITS, requests=100_000))
