"""Charts: DataFrame in, plotly figure out, without streamlit.

Each module holds one chart: a function of its own name and ``LOOK_AT``, one sentence that says
what to look at.

Examples
--------
>>> import pandas as pd
>>> from driftsched.charts import latency_cdf
>>> figure = latency_cdf.latency_cdf({"fifo": pd.DataFrame()})
>>> figure.layout.annotations[0].text
'No finished requests yet'
"""

from __future__ import annotations

from driftsched.charts import (
    arrivals,
    bands,
    bias,
    calibration,
    claims,
    confusion,
    drift,
    energy,
    estimation_error,
    estimation_scatter,
    fairness,
    fit,
    gpu,
    latency_cdf,
    latency_histogram,
    lengths,
    load_sweep,
    marks,
    memory,
    percentiles,
    queue_depth,
    tenants,
    theme,
    twin,
)

__all__ = [
    "arrivals",
    "bands",
    "bias",
    "calibration",
    "claims",
    "confusion",
    "drift",
    "energy",
    "estimation_error",
    "estimation_scatter",
    "fairness",
    "fit",
    "gpu",
    "latency_cdf",
    "latency_histogram",
    "lengths",
    "load_sweep",
    "marks",
    "memory",
    "percentiles",
    "queue_depth",
    "tenants",
    "theme",
    "twin",
]
