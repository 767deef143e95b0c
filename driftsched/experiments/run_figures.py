"""The figures of one run, or of its replications, by tenant and category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from driftsched.core.lazily import lazily
from driftsched.results import (
    Estimate,
    PooledSample,
    RunResult,
    WithinRun,
    jain_index,
    mean_interval,
    metrics_table,
    weighted_service,
)
from driftsched.results.metrics import goals_met
from driftsched.results.percentiles import LATENCIES
from driftsched.results.within_run import BATCHES, Batches

if TYPE_CHECKING:
    from driftsched.core.arrays import Floats

__all__ = ["LATENCY", "METRICS", "OVERALL", "Group", "Side", "level"]

FIGURES = {"mean": None, "p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0}
LATENCY = {
    f"{figure}_{measure}_ms": (column, p)
    for measure, column in sorted(LATENCIES.items(), key=lambda one: one[0] != "e2el")
    for figure, p in FIGURES.items()
}
SLO = "slo_attainment"
OVERALL = {"scope": "overall", "name": "all"}
METRICS = (*LATENCY, "request_throughput", SLO, "jain_index")
"""Rows of a table, for all requests; Jain's index is there for all of them alone."""


def level(metric: str) -> float | None:
    """Percentile of a latency; None for a mean, and for what is no latency."""
    return LATENCY[metric][1] if metric in LATENCY else None


class Side:
    """One run and its replications, by group."""

    def __init__(self, results: Sequence[RunResult]) -> None:
        self._results = results
        self._groups: dict[tuple[str, str], Group] = {}

    @lazily
    def _scalars(self) -> list[pd.DataFrame]:
        tables = []
        for result in self._results:
            table = metrics_table(result).set_index(["scope", "name"])
            table["jain_index"] = jain_index(weighted_service(result)["normalised_service"])
            tables.append(table)
        return tables

    @lazily
    def _columns(self) -> list[pd.DataFrame]:
        names = ["status", "tenant", "category", *LATENCIES.values()]
        return [
            result.requests[names].assign(good=goals_met(result.requests, result.scenario))
            for result in self._results
        ]

    def group(self, scope: str, name: str) -> Group:
        """A group's requests; empty where there are none."""
        if (scope, name) not in self._groups:
            everybody = scope == OVERALL["scope"]
            tables = [t if everybody else t[t[scope] == name] for t in self._columns]
            scalars = [t.loc[[(scope, name)]] for t in self._scalars if (scope, name) in t.index]
            self._groups[scope, name] = Group(tables, pd.concat(scalars) if scalars else None)
        return self._groups[scope, name]


class Group:
    """The requests of a group in each replication, and what a replication has one of."""

    def __init__(self, tables: Sequence[pd.DataFrame], scalars: pd.DataFrame | None) -> None:
        self._tables, self._scalars = tables, scalars
        self._within = WithinRun(tables[0]) if len(tables) == 1 else None
        self._pools: dict[tuple[str, int, bool], PooledSample] = {}

    def __bool__(self) -> bool:
        return any(len(table) for table in self._tables)

    @property
    def cut(self) -> int:
        """Requests of the warm-up, which one run alone leaves out for its intervals."""
        return 0 if self._within is None else self._within.warmup.cut

    def _values(self, metric: str, one: bool) -> list[Floats]:
        """Of each replication one value a request, or where it has but `one`, that."""
        if metric in LATENCY:
            column = LATENCY[metric][0]
            return [
                np.where(table["status"] == "finished", table[column].to_numpy(np.float64), np.nan)
                for table in self._tables
            ]
        if metric == SLO and not one:
            return [table["good"].to_numpy(np.float64) for table in self._tables]
        if self._scalars is None:
            return []
        return list(self._scalars[metric].to_numpy(np.float64)[:, None])

    def pool(self, metric: str, cut: int, sure: bool) -> PooledSample:
        """What a change is computed from: replications, batches past a cut, or the whole run."""
        within = self._within is not None
        column = LATENCY[metric][0] if metric in LATENCY else metric
        if (column, cut, sure) not in self._pools:
            values = self._values(metric, one=not within)
            if within and sure:
                found: PooledSample = Batches(np.array_split(values[0][cut:], BATCHES))
            else:
                found = PooledSample(values)
            self._pools[column, cut, sure] = found
        return self._pools[column, cut, sure]

    def steady(self, metric: str) -> bool:
        """Whether one run alone tells enough for an interval."""
        return not np.isnan(self._alone(metric).low)

    def _alone(self, metric: str) -> Estimate:
        unknown = Estimate(np.nan, np.nan, np.nan, 0)
        if self._within is None or not self:
            return unknown
        if metric in LATENCY:
            return self._within.latency(*LATENCY[metric])
        if metric == SLO and self._tables[0]["good"].notna().any():
            return self._within.share(self._tables[0]["good"])
        return unknown

    def estimate(self, metric: str) -> Estimate:
        """The figure and its interval."""
        scale = 1e3 if metric in LATENCY else 1.0
        if metric in LATENCY:
            found = self.pool(metric, 0, sure=False).estimate(level(metric))
        else:
            values = np.ravel(self._values(metric, one=True))
            found = Estimate(*mean_interval(values), len(values))
        if self._within is not None:
            alone = self._alone(metric)
            found = Estimate(found.value, alone.low, alone.high, found.n)
        return Estimate(scale * found.value, scale * found.low, scale * found.high, found.n)
