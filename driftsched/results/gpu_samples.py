"""The gpus table of a simulated run: the replicas' logs, sampled on an even grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.memory import kv_capacity_tokens

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario

__all__ = ["gpu_table"]

MAX_SAMPLES = 200_000


def gpu_table(scenario: Scenario, logs: Sequence[Sequence[tuple[float, int, int]]]) -> pd.DataFrame:
    """Sample each replica's log every `metrics.sample_s` seconds (200,000 samples at most).

    Power is idle + busy share · (TDP − idle); temperature and clocks are not modelled and NaN.
    """
    end = max((log[-1][0] for log in logs if log), default=0.0)
    step = max(scenario.metrics.sample_s, end / MAX_SAMPLES)
    times = np.arange(0.0, end + step, step)
    return pd.concat(
        [_sample(scenario, number, log, times) for number, log in enumerate(logs)],
        ignore_index=True,
    )


def _sample(
    scenario: Scenario, number: int, log: Sequence[tuple[float, int, int]], times: np.ndarray
) -> pd.DataFrame:
    gpu, model = GPUS[scenario.cluster.gpu], MODELS[scenario.cluster.model]
    rows = np.fromiter(chain.from_iterable(log), np.float64, 3 * len(log)).reshape(-1, 3)
    logged, running, kv_logged = rows.T
    place = np.searchsorted(logged, times, side="right") - 1
    # Between two rows the cache grows evenly, from the first row's value to the second's.
    kv = np.interp(times, logged, kv_logged).astype(np.int64)
    busy_until = np.concatenate([[0.0], np.cumsum(np.diff(logged) * (running[:-1] > 0))])
    step = times[1] - times[0] if len(times) > 1 else 1.0
    busy = np.diff(np.interp(times, logged, busy_until), prepend=0.0) / step
    busy = np.clip(busy, 0.0, 1.0)
    unknown = np.full(len(times), np.nan)
    return pd.DataFrame(
        {
            "time_s": times,
            "replica": np.full(len(times), number, dtype=np.int32),
            "running": running[place].astype(np.int64),
            "kv_used_tokens": kv,
            "kv_capacity_tokens": np.full(len(times), kv_capacity_tokens(scenario.cluster)),
            "busy": busy,
            "power_w": gpu.idle_w + busy * (gpu.tdp_w - gpu.idle_w),
            "memory_used_mb": (model.weight_bytes + kv * model.kv_bytes_per_token) / 1e6,
            "temperature_c": unknown,
            "sm_clock_mhz": unknown,
        },
        copy=False,
    )
