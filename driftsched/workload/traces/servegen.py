"""ServeGen's clients (arXiv 2505.09999): rates, burstiness and lengths → drawn requests.

The published data describe each client, not each request. So requests are drawn: a client's gaps
from the distribution measured in each 10 minutes, at the rate measured there; its lengths from the
quantiles measured in each 6 hours, or from all clients' together where it has none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from driftsched.core.arrays import Floats, Ints
from driftsched.core.errors import TraceError
from driftsched.workload.traces.formats import SERVEGEN_COLUMNS
from driftsched.workload.traces.rows import RecordedRows
from driftsched.workload.traces.textfile import MAX_ROWS

Progress = Callable[[float], None]

WINDOW_S = 600.0
LENGTHS_S = 21_600.0
LEVELS = (0.1, 0.5, 0.9, 0.99)
DEFAULT_S = 3600.0
BURN_IN = 10_000.0
GRID = np.linspace(0.0, 1.0, 2001)


def read_servegen(
    source: Path | BinaryIO,
    from_s: float,
    until_s: float | None,
    seed: int,
    progress: Progress | None = None,
) -> RecordedRows:
    """Draw the requests of all clients between two times, in seconds since the trace's beginning.

    `source` is ``…_client_rates.csv`` with client, t_s, rate_rps, iat_dist and param_shape;
    ``…_client_windows.csv`` and ``…_{input,output}_pmf.json`` lie beside it. An hour is drawn where
    no end is given; `progress` is called with the share of clients done.

    Raises
    ------
    TraceError
        A file is missing, lacks a column or holds what is no number; or too much is asked for.
    """
    if not isinstance(source, Path):
        raise TraceError("ServeGen's data must be files beside each other, got one uploaded file")
    rates = _table(source, SERVEGEN_COLUMNS)
    end_s = from_s + DEFAULT_S if until_s is None else until_s
    first = np.floor(from_s / WINDOW_S) * WINDOW_S
    rates = rates[(rates["t_s"] >= first) & (rates["t_s"] < end_s) & (rates["rate_rps"] > 0)]
    expected = float((rates["rate_rps"] * WINDOW_S).sum())
    if expected > MAX_ROWS:
        raise TraceError(
            f"trace must have at most {MAX_ROWS} requests, got about {expected:.0f} from "
            f"{from_s:g} s to {end_s:g} s"
        )
    measured = _table(_beside(source, "client_windows.csv"), ("client", "window_start_s"))
    pooled = [_pooled(_beside(source, f"{kind}_pmf.json")) for kind in ("input", "output")]
    note = "requests are drawn from the rates and lengths that ServeGen measured for each client"
    rows = RecordedRows(notes=(note,))
    clients = np.unique(rates["client"])
    for number, client in enumerate(clients):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(client),)))
        own = rates[rates["client"] == client]
        time_s = _times(own, rng)
        time_s = time_s[(time_s >= from_s) & (time_s < end_s)]
        windows = measured[measured["client"] == client]
        prompt, output = _lengths(windows, time_s, pooled, rng)
        time_ns = np.rint(time_s * 1e9).astype(np.int64)
        rows.rows_read += len(time_s)
        rows.add(time_ns, prompt, output, pa.repeat(f"client-{int(client)}", len(time_s)))
        if progress is not None:
            progress((number + 1) / len(clients))
    return rows.join(with_clients=True)


def _times(own: pd.DataFrame, rng: np.random.Generator) -> Floats:
    """Arrival times of one client: gaps of each window's kind, in expected arrivals."""
    starts = own["t_s"].to_numpy(np.float64)
    passed = np.append(0.0, np.cumsum(own["rate_rps"].to_numpy(np.float64) * WINDOW_S))
    chunks: list[Floats] = []
    # A beginning before the first window, so that nobody starts with a whole gap.
    shape, kind = own["param_shape"].to_numpy(np.float64), own["iat_dist"].to_numpy(str)
    cv = float(own["iat_cv"].iloc[0])
    now = -min(BURN_IN, 10 + 5 * cv * cv)
    for window in range(len(own)):
        while now < passed[window + 1]:
            wanted = int(min(1.2 * (passed[window + 1] - now) + 50, 2_000_000))
            at = now + np.cumsum(_unit_gaps(kind[window], shape[window], wanted, rng))
            now = float(at[-1])
            chunks.append(at)
        inside = np.concatenate(chunks)
        kept = inside[inside < passed[window + 1]]
        # The first arrival past the window's end ends its gap there.
        now = float(inside[len(kept)])
        chunks = [kept, np.array([now])]
    every = np.concatenate(chunks)
    every = every[(every >= 0) & (every < passed[-1])]
    at = np.searchsorted(passed, every, side="right") - 1
    return np.asarray(starts[at] + (every - passed[at]) / np.diff(passed)[at] * WINDOW_S)


def _unit_gaps(kind: str, shape: float, n: int, rng: np.random.Generator) -> Floats:
    if kind == "Weibull":
        return np.asarray(rng.weibull(shape, n) / math.gamma(1 + 1 / shape))
    return rng.gamma(shape, 1 / shape, n)


def _lengths(
    windows: pd.DataFrame,
    time_s: Floats,
    pooled: list[tuple[Floats, Floats]],
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Prompt and output tokens at each time, by the client's nearest window, else by all."""
    found = []
    uniforms = rng.random((2, len(time_s)))
    starts = windows["window_start_s"].to_numpy(np.float64)
    which = np.zeros(len(time_s), np.int64)
    if len(starts):
        middles = starts + LENGTHS_S / 2
        which = np.abs(time_s[:, None] - middles[None, :]).argmin(axis=1)
    for uniform, kind, (tokens, share) in zip(uniforms, ("in", "out"), pooled, strict=True):
        values = tokens[np.minimum(np.searchsorted(share, uniform), len(tokens) - 1)]
        for window in np.unique(which) if len(starts) else ():
            mine = which == window
            values[mine] = np.interp(uniform[mine], GRID, _quantiles(windows.iloc[window], kind))
        found.append(np.maximum(1, np.rint(values)).astype(np.int64))
    return found[0], found[1]


def _quantiles(row: pd.Series[float], kind: str) -> Floats:
    """Inverse CDF on the grid: through the measured quantiles, ends chosen to keep the mean."""
    known = np.maximum.accumulate(
        [max(1.0, float(row[f"{kind}_p{round(100 * level)}"])) for level in LEVELS]
    )
    top, mean = float(known[-1]), float(row[f"{kind}_mean"])

    def through(last: float) -> Floats:
        logs = np.log([max(1.0, known[0] / 2), *known, last])
        return np.asarray(np.exp(np.interp(GRID, [0.0, *LEVELS, 1.0], logs)))

    low, high = top, 20 * top
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if through(middle).mean() < mean else (low, middle)
    curve = through(high)
    # Where no end can give the mean, the body is off too: bend it towards the mean.
    return np.asarray(np.maximum(1.0, curve * np.clip(mean / curve.mean(), 0.5, 2.0)))


def _beside(source: Path, ending: str) -> Path:
    return source.with_name(source.name.replace("client_rates.csv", ending))


def _pooled(path: Path) -> tuple[Floats, Floats]:
    """All clients' lengths: tokens, and the share that is at most so long."""
    try:
        pmf = json.loads(path.read_text(encoding="utf-8"))
        tokens = np.array([float(name) for name in pmf])
        weight = np.array([float(value) for value in pmf.values()])
    except OSError as error:
        raise TraceError(f"trace {path} cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise TraceError(f"trace {path} must map tokens to probabilities: {error}") from None
    order = np.argsort(tokens)
    share = np.cumsum(weight[order])
    if len(share) == 0 or not share[-1] > 0:
        raise TraceError(f"trace {path} must map tokens to probabilities, got none above 0")
    return tokens[order], share / share[-1]


def _table(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise TraceError(f"trace {path} cannot be read: {reason}") from None
    missing = [name for name in needed if name not in table]
    if missing:
        raise TraceError(f"line 1: header of {path.name} must have {', '.join(missing)}")
    for name in table.columns.difference(["iat_dist"]):
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        if len(bad):
            line, value = int(bad[0]) + 2, table[name].iloc[bad[0]]
            raise TraceError(
                f"line {line}, column {name} of {path.name}: must be a number >= 0, got {value!r}"
            )
        table[name] = values
    return table
