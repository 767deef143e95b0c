"""Intervals from one long run in a steady state: batch means after the warm-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from driftsched.core.arrays import Floats
from driftsched.core.lazily import lazily
from driftsched.results.metrics import goals_met
from driftsched.results.percentiles import LATENCIES
from driftsched.results.pooled import Estimate, PooledSample
from driftsched.results.run_length import Warmup, mser5
from driftsched.results.tables import RunResult
from driftsched.results.wording import with_interval

BATCHES = 10
"""Successive batches that a run is cut into; few and long, so that they hardly depend."""
ENOUGH = 1000
"""A run must tell as much as so many independent requests."""
BLOCKS = 4096
MOST_DEPENDENCE = 0.8


class Batches(PooledSample):
    """Successive batches of one run in the place of replications.

    What dependence is left between neighbours widens the interval as that of a first-order
    autoregressive series, by the root of (1 + φ) / (1 - φ), where their correlation φ is above 0.
    """

    def _half_width(self, residuals: Floats) -> Floats:
        half: Floats = super()._half_width(residuals) * _widening(residuals)
        return half

    def cautious_half_width(self, values: Floats) -> float:
        """That of replications, as much wider."""
        return super().cautious_half_width(values) * float(_widening(values))


def _widening(residuals: Floats) -> Floats:
    """How much wider the dependence of neighbours along the first axis makes an interval."""
    centred = residuals - residuals.mean(axis=0)
    squares = (centred**2).sum(axis=0)
    products = (centred[1:] * centred[:-1]).sum(axis=0)
    phi = np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0)
    phi = np.clip(phi, 0.0, MOST_DEPENDENCE)
    wider: Floats = np.sqrt((1 + phi) / (1 - phi))
    return wider


class WithinRun:
    """What one run alone allows to say about the steady state that it reaches.

    The requests (rows of the requests table) are taken in order of arrival. MSER-5 on their
    end-to-end latency says where the warm-up ends; what is left is cut into ten batches that take
    the place of replications (batch means: Law, Simulation Modeling and Analysis, §9.5.3; for
    percentiles Woodruff's interval of the batches' shares). There is no interval where no steady
    state is reached, as in an experiment with a beginning and an end, nor where the requests, which
    depend on each other, tell less than 1000 independent ones would.
    """

    def __init__(self, requests: pd.DataFrame) -> None:
        self._requests = requests
        self._steady_parts: dict[str, tuple[Batches, Floats, bool]] = {}

    @lazily
    def warmup(self) -> Warmup:
        """Where the warm-up ends, by MSER-5."""
        return mser5(self._column("e2e_s"))

    def _column(self, name: str) -> Floats:
        finished = (self._requests["status"] == "finished").to_numpy(dtype=bool)
        return np.where(finished, self._requests[name].to_numpy(np.float64), np.nan)

    def latency(self, column: str, p: float | None = None) -> Estimate:
        """Percentile of a latency in the steady state, or its mean where `p` is None.

        `column` is e2e_s, ttft_s, tpot_s or queue_wait_s. `n` of what is returned is the number of
        batches; low and high are NaN where the run is too short to tell.
        """
        if column not in self._steady_parts:
            self._steady_parts[column] = self._steady(self._column(column))
        pool, known, enough = self._steady_parts[column]
        found = pool.estimate(p)
        if p is not None:
            enough = enough and independent(known > found.value) >= ENOUGH
        return _with_ends_if(found, enough)

    def share(self, hit: ArrayLike) -> Estimate:
        """Mean of a number a request, such as whether it met its goals; NaN is left out."""
        pool, _, enough = self._steady(np.asarray(hit, dtype=np.float64))
        return _with_ends_if(pool.mean(), enough)

    def _steady(self, values: Floats) -> tuple[Batches, Floats, bool]:
        """What is left past the warm-up: batches, known values, and whether they tell enough."""
        steady = values[self.warmup.cut :]
        known = steady[~np.isnan(steady)]
        enough = self.warmup.settled and independent(known) >= ENOUGH
        return Batches(np.array_split(steady, BATCHES)), known, enough

    @property
    def remark(self) -> str:
        """Say in a sentence what the intervals rest on, or why there are none."""
        cut, settled = self.warmup.cut, self.warmup.settled
        if not settled:
            return (
                "This run reaches no steady state (MSER-5), so it cannot tell by itself how far to "
                "trust its figures."
            )
        start = f"MSER-5 takes the first {cut:,} requests for warm-up" if cut else "No warm-up"
        if np.isnan(self.latency("e2e_s").low):
            return (
                f"{start}; the rest depend on each other too much, and tell less than {ENOUGH:,} "
                "independent requests would: too few for intervals from one run."
            )
        return f"{start}; 95 % intervals of the rest: batch means, {BATCHES} batches, Student's t."

    def in_words(self, levels: Sequence[float]) -> str:
        """The remark, and the end-to-end latency's mean and percentiles where they are known."""
        names = {"mean": None} | {f"P{level:g}": level for level in sorted({50.0, *levels})}
        found = {name: self.latency("e2e_s", level) for name, level in names.items()}
        if np.isnan(found["mean"].low):
            return f"{self.remark} Other seeds tell: Explore, or `compare --seeds 10`."
        figures = [f"{n} {with_interval(f.value, f.low, f.high)} s" for n, f in found.items()]
        return f"{self.remark} End to end: {', '.join(figures)}."


def within_intervals(result: RunResult) -> dict[str, list[float]]:
    """Ends [low, high] of the 95 % intervals that one run allows by itself, see `WithinRun`.

    They are those of mean_{ttft,tpot,e2el,queue_wait}_ms, the percentiles, and slo_attainment; NaN
    where unknown, infinite where open.
    """
    run, scenario = WithinRun(result.requests), result.scenario
    found = {}
    for metric, column in LATENCIES.items():
        found[f"mean_{metric}_ms"] = run.latency(column)
        for level in sorted({50.0, *scenario.metrics.percentiles}):
            found[f"p{level:.10g}_{metric}_ms"] = run.latency(column, level)
    ends = {name: [1e3 * one.low, 1e3 * one.high] for name, one in found.items()}
    goals = run.share(goals_met(result.requests, scenario))
    return ends | {"slo_attainment": [goals.low, goals.high]}


def independent(series: ArrayLike) -> float:
    """How many independent values would tell the mean as well as this series (n,) does.

    The variance of the mean is that of blocks of neighbours, at most 4096 of them, times the
    integrated autocorrelation time of the blocks, summed up to five times itself (Sokal 1997,
    "Monte Carlo methods in statistical mechanics", §3). 0 of fewer than 20 values; n where all are
    equal. It holds no NaN.

    Examples
    --------
    >>> values = np.random.default_rng(1).random(1000)
    >>> round(independent(np.repeat(values, 10)), -2)
    900.0
    """
    x = np.asarray(series, dtype=np.float64)
    n, size = len(x), max(1, len(x) // BLOCKS)
    if n < 20:
        return 0.0
    blocks = x[: n // size * size].reshape(-1, size).mean(axis=1)
    variance = float(x.var())
    if not variance:
        return float(n)
    error = float(blocks.var()) * _autocorrelation_time(blocks) / len(blocks)
    return min(float(n), variance / error) if error > 0 else float(n)


def _autocorrelation_time(x: Floats) -> float:
    n, centred = len(x), x - x.mean()
    spectrum = np.fft.rfft(centred, 2 * n)
    covariance = np.fft.irfft(spectrum * spectrum.conj())[:n]
    if covariance[0] <= 0:
        return 1.0
    times = 1 + 2 * np.cumsum(covariance[1:] / covariance[0])
    wide = np.arange(1, n) >= 5 * times
    return float(max(times[int(np.argmax(wide))] if wide.any() else n, 1.0))


def _with_ends_if(found: Estimate, enough: bool) -> Estimate:
    return found if enough else replace(found, low=np.nan, high=np.nan)
