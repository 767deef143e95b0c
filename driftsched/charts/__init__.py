"""Charts: DataFrame in, plotly figure out, without streamlit.

A figure says itself how its image is called and what to look at: see `theme.Look`.

Examples
--------
>>> import pandas as pd
>>> from driftsched.charts import latency_cdf
>>> figure = latency_cdf({"fifo": pd.DataFrame()})
>>> figure.layout.annotations[0].text
'No finished requests yet'
"""

from __future__ import annotations

from driftsched.charts import marks, theme
from driftsched.charts.by_tenant import fairness, tenant_percentile, tenants
from driftsched.charts.capacity import capacity, gpus_needed
from driftsched.charts.compared import held, main_figures, with_ghost
from driftsched.charts.estimation import (
    bias,
    confusion,
    drift,
    estimation_error,
)
from driftsched.charts.gpus import energy, gpu, memory
from driftsched.charts.lab import lab_course, lab_figures, worth
from driftsched.charts.latency import (
    latency_bands,
    latency_cdf,
    load_sweep,
    runs_cdf,
)
from driftsched.charts.live import calibration, twin, twin_policies, twin_queues
from driftsched.charts.queues import queue_depth
from driftsched.charts.replications import (
    bands,
    bias_bands,
    claims,
    drift_bands,
    queue_bands,
    sensitivities,
)
from driftsched.charts.runs import (
    changes,
    run_colours,
    runs_drift,
    runs_fairness,
    runs_latency,
    runs_queues,
    runs_tenants,
)
from driftsched.charts.sweep import (
    sweep_front,
    sweep_heat,
    sweep_importance,
    sweep_lines,
    sweep_parallel,
)
from driftsched.charts.traffic import arrivals, fit, lengths

__all__ = [
    "arrivals",
    "bands",
    "bias",
    "bias_bands",
    "calibration",
    "capacity",
    "changes",
    "claims",
    "confusion",
    "drift",
    "drift_bands",
    "energy",
    "estimation_error",
    "fairness",
    "fit",
    "gpu",
    "gpus_needed",
    "held",
    "lab_course",
    "lab_figures",
    "latency_bands",
    "latency_cdf",
    "lengths",
    "load_sweep",
    "main_figures",
    "marks",
    "memory",
    "queue_bands",
    "queue_depth",
    "run_colours",
    "runs_cdf",
    "runs_drift",
    "runs_fairness",
    "runs_latency",
    "runs_queues",
    "runs_tenants",
    "sensitivities",
    "sweep_front",
    "sweep_heat",
    "sweep_importance",
    "sweep_lines",
    "sweep_parallel",
    "tenant_percentile",
    "tenants",
    "theme",
    "twin",
    "twin_policies",
    "twin_queues",
    "with_ghost",
    "worth",
]
