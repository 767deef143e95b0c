"""The figures of a run's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.charts import bias, confusion, drift, energy, gpu, latency_cdf, queue_depth, tenants
from driftsched.results.energy import energy_over_time
from driftsched.results.marks import run_marks

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from driftsched.results import RunResult

__all__ = ["report_figures"]


def report_figures(result: RunResult) -> list[tuple[str, str, go.Figure]]:
    """Title, what to look at, and figure, in reading order."""
    requests, unit = result.requests, result.scenario.estimator.unit
    marks = run_marks(result)
    joules = energy_over_time(result.gpus, requests)
    run = {result.scenario.policy.kind: requests}
    return [
        ("Latency", latency_cdf.LOOK_AT, latency_cdf.latency_cdf(run)),
        ("Latency by tenant", tenants.LOOK_AT, tenants.tenants(run)),
        ("Queues", queue_depth.LOOK_AT, queue_depth.queue_depth(result.queues, marks)),
        ("GPU", gpu.LOOK_AT, gpu.gpu(result.gpus, marks)),
        ("Energy", energy.LOOK_AT, energy.energy(joules, marks)),
        ("Drift", drift.LOOK_AT, drift.drift(requests, unit=unit, marks=marks)),
        ("Learned bias", bias.LOOK_AT, bias.bias(result.learning, marks)),
        ("Size classes", confusion.LOOK_AT, confusion.confusion(requests)),
    ]
