"""Latencies of a run, and their percentiles under vLLM's names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from driftsched.core.arrays import Array

Summary = dict[str, float | int | None]
"""Name of a metric → its value; NaN where it has no meaning, None where nobody asked for it."""
LATENCIES = {
    "ttft": "ttft_s",
    "tpot": "tpot_s",
    "e2el": "e2e_s",
    "queue_wait": "queue_wait_s",
}
"""Metric name → column of the requests table."""


def percentile_columns(
    values_s: Array, metric: str, percentiles: Sequence[float]
) -> dict[str, float]:
    """Mean, median, population standard deviation and percentiles of a latency (n,) in seconds.

    The one place where percentiles are computed: linear interpolation between order statistics,
    numpy's default (type 7 of Hyndman and Fan, 1996). NaN is left out, and the 50th is always
    there.

    Returns
    -------
    dict
        ``mean_ttft_ms``, ``median_ttft_ms``, ``std_ttft_ms``, ``p50_ttft_ms``, ``p99.9_ttft_ms``…
        in milliseconds, ascending; all NaN where there is no value.

    Examples
    --------
    >>> columns = percentile_columns(np.array([0.1, 0.2, 0.6]), "ttft", [99.9])
    >>> {name: round(value, 3) for name, value in columns.items() if name != "std_ttft_ms"}
    {'mean_ttft_ms': 300.0, 'median_ttft_ms': 200.0, 'p50_ttft_ms': 200.0, 'p99.9_ttft_ms': 599.2}
    """
    levels = sorted({50.0, *map(float, percentiles)})
    values = np.asarray(values_s, dtype=np.float64) * 1e3
    values = values[~np.isnan(values)]
    found = np.percentile(values, levels) if len(values) else np.full(len(levels), np.nan)
    return {
        f"mean_{metric}_ms": float(values.mean()) if len(values) else np.nan,
        f"median_{metric}_ms": float(found[levels.index(50.0)]),
        f"std_{metric}_ms": float(values.std()) if len(values) else np.nan,
    } | {f"p{p:.10g}_{metric}_ms": float(v) for p, v in zip(levels, found, strict=True)}
