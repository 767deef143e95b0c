"""The gpus table: a simulated run's logs sampled on an even grid, or a live run's measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.arrays import Array, Floats
from driftsched.scenario.model import Scenario
from driftsched.serving.iteration import IterationCost
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.serving.power import power_shares

Columns = tuple[Array, ...]
"""How a replica went: time_s, running, kv_used_tokens from then on, and until then."""
GpuLog = Callable[[], Columns]
"""Gives the columns, once somebody wants them."""

GPU_COLUMNS = (
    *("time_s", "replica", "running", "kv_used_tokens", "kv_capacity_tokens"),
    *("busy", "memory_busy", "power_w", "energy_j", "memory_used_mb", "memory_total_mb"),
    *("temperature_c", "sm_clock_mhz", "memory_clock_mhz", "pstate", "throttle_reasons"),
    *("process_cpu", "process_memory_mb"),
)
"""Columns of the gpus table in both worlds; what is not known is NaN."""
MAX_SAMPLES = 200_000
ABSENT = "absent"
OFF = (ABSENT, "down")
ROUNDING_S = 1e-9

States = Sequence[tuple[float, str]]
"""Rows (time_s, state) of a replica; a state holds until the next row."""


def gpu_table(
    scenario: Scenario, logs: Sequence[GpuLog], states: Sequence[States] = ()
) -> pd.DataFrame:
    """Sample each replica's log every `metrics.sample_s` seconds (200,000 samples at most).

    A row is a replica with all its GPUs. Power is that many times idle + share · (TDP − idle), the
    share that of `serving.power` while something runs; energy is its sum over the intervals;
    temperature, clocks and processes are not modelled and NaN. Where scenario events change
    replicas `states` says what each is and from when on; then there are also the columns `state`
    (starting, up, slow, draining, down) and `present_s`, how many seconds of the interval before
    the replica existed.
    """
    columns = [log() for log in logs]
    end = max((float(each[0][-1]) for each in columns if len(each[0])), default=0.0)
    step = max(scenario.metrics.sample_s, end / MAX_SAMPLES)
    times = np.arange(0.0, end + step, step)
    tables = []
    for number, each in enumerate(columns):
        rows = states[number] if states else ()
        if rows and all(state == ABSENT for _, state in rows):
            continue
        table = _sample(scenario, number, each, times)
        if rows:
            machine = scenario.machines[number]
            idle_w = machine.tensor_parallel * machine.find_gpu().idle_w
            table = _with_states(table, rows, idle_w)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def log_of(rows: Sequence[tuple[float, int, int, int]]) -> GpuLog:
    """The log of a replica whose columns are given as rows."""
    columns = np.fromiter(chain.from_iterable(rows), np.float64, 4 * len(rows)).reshape(-1, 4).T
    return partial(tuple, columns)


def _sample(scenario: Scenario, number: int, log: Columns, times: np.ndarray) -> pd.DataFrame:
    cluster = scenario.machines[number]
    gpu, model, gpus = cluster.find_gpu(), cluster.find_model(), cluster.tensor_parallel
    kv_bytes = model.kv_bytes_per_token * gpus / model.kv_shards(gpus)
    logged, running, kv_from, kv_until = log
    place = np.searchsorted(logged, times, side="right") - 1
    # Between two rows the cache grows evenly; what leaves at the second has not left before.
    after = np.minimum(place + 1, len(logged) - 1)
    kv = _between(times, logged, place, kv_from[place], kv_until[after]).astype(np.int64)
    busy_s = np.diff(logged)
    busy_s *= running[:-1] > 0
    busy = _mean(times, logged, place, busy_s)
    drawn = _mean(times, logged, place, busy_s * _drawn(cluster.build_cost(), log, busy_s))
    power = gpus * (gpu.idle_w + drawn * (gpu.tdp_w - gpu.idle_w))
    table = pd.DataFrame(
        {
            "time_s": times,
            "replica": np.full(len(times), number, dtype=np.int32),
            "running": running[place].astype(np.int64),
            "kv_used_tokens": kv,
            "kv_capacity_tokens": np.full(len(times), kv_capacity_tokens(cluster)),
            "busy": busy,
            "power_w": power,
            "energy_j": np.cumsum(power * np.diff(times, prepend=0.0)),
            "memory_used_mb": (model.weight_bytes + kv * kv_bytes) / 1e6,
            "memory_total_mb": np.full(len(times), gpus * gpu.memory_gb * 1e3),
        },
        copy=False,
    )
    return _whole(table)


def _drawn(cost: IterationCost, log: Columns, busy_s: Floats) -> Floats:
    """Share of the power above idle that is drawn between each two rows, see `power_shares`."""
    _, running, kv_from, kv_until = log
    grown = np.maximum(kv_until[1:] - kv_from[:-1], 0.0)
    tokens_s = np.divide(grown, busy_s, out=np.zeros(len(busy_s)), where=busy_s > 0)
    return power_shares(cost, running[:-1].astype(np.int64), kv_from[:-1], tokens_s)


def _mean(times: Floats, logged: Floats, place: NDArray[np.intp], seconds: Floats) -> Floats:
    """Share of each interval before `times` that the seconds of stretches between rows fill."""
    until = np.concatenate([[0.0], np.cumsum(seconds)])
    after = np.minimum(place + 1, len(logged) - 1)
    so_far = _between(times, logged, place, until[place], until[after])
    step = times[1] - times[0] if len(times) > 1 else 1.0
    return np.clip(np.diff(so_far, prepend=0.0) / step, 0.0, 1.0)


def _between(
    times: Floats, logged: Floats, place: NDArray[np.intp], here: Floats, there: Floats
) -> Floats:
    """Interpolate at each time between the row at `place` and the next; after the last, as it."""
    after = np.minimum(place + 1, len(logged) - 1)
    gap = logged[after] - logged[place]
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = (there - here) / gap * (times - logged[place]) + here
    return np.where((gap == 0) | (times == logged[place]), here, moved)


def _with_states(table: pd.DataFrame, rows: States, idle_w: float) -> pd.DataFrame:
    """Add `state` and `present_s` to a replica's samples, and drop those where it did not exist.

    What it draws when idle it does not draw while it is down or absent. The row after it has left
    is kept for what it used until then; its state is absent.
    """
    times = table["time_s"].to_numpy(np.float64)
    place = np.searchsorted([at for at, _ in rows], times, side="right") - 1
    state = np.array([name for _, name in rows], dtype=object)[place]
    table["state"] = state
    table["present_s"] = times - _spent(times, rows, (ABSENT,))
    table["present_s"] = table["present_s"].diff().fillna(0.0)
    gaps = np.diff(times, prepend=0.0)
    off_s = np.diff(_spent(times, rows, OFF), prepend=0.0)
    share = np.divide(off_s, gaps, out=np.isin(state, OFF).astype(np.float64), where=gaps > 0)
    table["power_w"] -= idle_w * share
    table["energy_j"] = np.cumsum(table["power_w"] * gaps)
    return table[(table["state"] != ABSENT) | (table["present_s"] > ROUNDING_S)]


def _spent(times: Floats, rows: States, states: tuple[str, ...]) -> Floats:
    """Seconds spent in some states up to each time."""
    since = np.array([at for at, _ in rows], dtype=np.float64)
    inside = np.array([name in states for _, name in rows])
    before = np.concatenate([[0.0], np.cumsum(np.diff(since) * inside[:-1])])
    place = np.searchsorted(since, times, side="right") - 1
    spent: Floats = before[place] + inside[place] * (times - since[place])
    return spent


def measured_gpu_table(rows: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """Make the gpus table of a live run from rows in order of time.

    Each has time_s, replica and what was measured then; columns beyond `GPU_COLUMNS` are kept.
    """
    table = pd.DataFrame(rows, columns=None if rows else list(GPU_COLUMNS), dtype=np.float64)
    return _whole(table.astype({"replica": np.int32}))


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that are not known, and put all in the common order."""
    more = [name for name in table.columns if name not in GPU_COLUMNS]
    return table.reindex(columns=[*GPU_COLUMNS, *more])
