"""How far to trust one run: its scenario with other seeds, or what the run tells by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from driftsched.results import WithinRun
from driftsched.studio import work
from driftsched.studio.waiting import result_of

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult

__all__ = ["LATENCIES", "Ends", "over_seeds", "within"]

Ends = Mapping[str, tuple[float, float]]
"""Metric → the ends of its 95 % interval."""

SEEDS = 10
MOST = 500_000
"""Requests of all seeds together; more would keep a worker for too long."""
LATENCIES = {
    "p50_e2el_ms": ("e2e_s", 50.0),
    "p99_e2el_ms": ("e2e_s", 99.0),
    "p50_ttft_ms": ("ttft_s", 50.0),
}


def over_seeds(result: RunResult, metrics: tuple[str, ...]) -> tuple[Ends, str]:
    """Intervals of a simulated run's figures, and a sentence that says what they are.

    The scenario is run with nine more seeds by the pool; a progress bar stands here until then.
    """
    if len(result.requests) * SEEDS > MOST:
        return within(result)
    scenario, steady = result.scenario, WithinRun(result.requests).remark
    found = result_of(work.repeated, (scenario, SEEDS, metrics), slot="run-seeds")
    if found is None:
        return {}, f"The same with {SEEDS - 1} other seeds tells how far to trust the figures."
    last = scenario.seed + SEEDS - 1
    return {name: (low, high) for name, (_, low, high) in found.items()}, (
        f"Below each figure: its 95 % interval over seeds {scenario.seed} to {last} (percentiles: "
        "Woodruff's, of all their requests together; the rest: Student's t). This run is one of "
        f"them, and may lie outside. {steady}"
    )


def within(result: RunResult) -> tuple[Ends, str]:
    """Intervals of the latencies that one run allows by itself, and a sentence about them."""
    run = WithinRun(result.requests)
    found = {name: run.latency(*which) for name, which in LATENCIES.items()}
    return {name: (1e3 * one.low, 1e3 * one.high) for name, one in found.items()}, run.remark
