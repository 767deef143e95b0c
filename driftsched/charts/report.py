"""The figures of a run's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.charts.by_tenant import tenants
from driftsched.charts.estimation import bias, confusion, drift
from driftsched.charts.gpus import energy, gpu
from driftsched.charts.latency import latency_cdf
from driftsched.charts.queues import queue_depth
from driftsched.charts.theme import look_at
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
    run = {result.scenario.policy.kind: requests}
    figures = {
        "Latency": latency_cdf(run),
        "Latency by tenant": tenants(run),
        "Queues": queue_depth(result.queues, marks),
        "GPU": gpu(result.gpus, marks),
        "Energy": energy(energy_over_time(result.gpus, requests), marks),
        "Drift": drift(requests, unit=unit, marks=marks),
        "Learned bias": bias(result.learning, marks),
        "Size classes": confusion(requests),
    }
    return [(title, look_at(figure), figure) for title, figure in figures.items()]
