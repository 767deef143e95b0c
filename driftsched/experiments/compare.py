"""Policies compared on the same requests, over several seeds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import InputError
from driftsched.experiments.replicate import Run, replications
from driftsched.results import (
    Estimate,
    PairedChange,
    PooledSample,
    RunResult,
    estimation_table,
    fairness_summary,
    mean_interval,
    metrics_table,
    paired_change,
    paired_pool_change,
)
from driftsched.results.percentiles import LATENCIES
from driftsched.scenario import Scenario, with_policy
from driftsched.scheduling.policies import POLICIES

if TYPE_CHECKING:
    from driftsched.simulation.traffic import Progress

__all__ = ["LATENCY", "Comparison", "Latencies", "collect", "compare"]

LATENCY = re.compile(r"(mean|median|p[0-9.e+-]+)_(ttft|tpot|e2el|queue_wait)_ms")
"""Metrics that are figures of all requests of all seeds together."""


@dataclass(frozen=True)
class Latencies:
    """Latencies of a run's finished requests in seconds; arrays (n,), by request.

    Attributes
    ----------
    seconds : dict of str to array
        Column of the requests table → values, NaN where a request has none.
    groups : dict of str to array
        tenant and category → whose request it is, as a place in the scenario's names.
    """

    seconds: dict[str, NDArray[np.float64]]
    groups: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, result: RunResult) -> Latencies:
        """Read them off a run."""
        rows = result.requests[(result.requests["status"] == "finished").to_numpy(dtype=bool)]
        known = {"tenant": result.scenario.tenant_names, "category": result.scenario.category_names}
        return cls(
            {column: rows[column].to_numpy(np.float64) for column in LATENCIES.values()},
            {
                scope: pd.Categorical(rows[scope], categories=names).codes.astype(np.int64)
                for scope, names in known.items()
            },
        )


@dataclass(frozen=True)
class Comparison:
    """What several policies made of the same requests.

    Attributes
    ----------
    scenario : Scenario
        What was asked for, under its own policy and seed.
    first : dict of str to RunResult
        Policy → its run with the first seed, in the order asked for.
    metrics : DataFrame
        policy, seed, scope (overall, tenant, category), name, then the keys of `summarise`.
    estimation : DataFrame
        policy, seed, then the columns of `estimation_table`: compensator, mae, rmse, mape, …
    latencies : dict of str to list of Latencies
        Policy → the latencies of each run, in the order of the seeds.
    fairness : DataFrame
        policy, seed, scope and name (always overall and all), then the keys of `fairness_summary`.
    """

    scenario: Scenario
    first: dict[str, RunResult]
    metrics: pd.DataFrame
    estimation: pd.DataFrame
    latencies: dict[str, list[Latencies]] = field(default_factory=dict)
    fairness: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def policies(self) -> list[str]:
        """Names of the policies, in the order asked for."""
        return list(self.first)

    @property
    def seeds(self) -> list[int]:
        """The seeds, in the order run."""
        return [int(seed) for seed in self.metrics["seed"].unique()]

    def values(
        self, policy: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> NDArray[np.float64]:
        """A metric under a policy, one value a seed.

        Parameters
        ----------
        policy, metric : str
            For example ``"sjf"`` and ``"p99_e2el_ms"``; a column of `metrics` or of `fairness`.
        scope, name : str
            overall and all, or tenant or category and the name of one.
        """
        table = self.metrics if metric in self.metrics else self.fairness
        mine = (table["policy"] == policy) & (table["scope"] == scope) & (table["name"] == name)
        return table.loc[mine, metric].to_numpy(np.float64)

    def interval(
        self, policy: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> tuple[float, float, float]:
        """A metric over all seeds with its 95 % interval: value, low, high.

        Percentiles and means of latencies are those of all requests of all seeds together
        (`PooledSample`); anything else is the mean over the seeds, with Student's interval.
        """
        if LATENCY.fullmatch(metric):
            found = self.estimate(policy, metric, scope=scope, name=name)
            return 1e3 * found.value, 1e3 * found.low, 1e3 * found.high
        return mean_interval(self.values(policy, metric, scope=scope, name=name))

    def estimate(
        self, policy: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> Estimate:
        """A percentile or the mean of a latency in seconds over all seeds, with its interval."""
        pool, p = self.pool(policy, metric, scope=scope, name=name)
        return pool.mean() if p is None else pool.percentile(p)

    def pool(
        self, policy: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> tuple[PooledSample, float | None]:
        """Latencies that a metric is about, by seed, and its percentile; None for the mean."""
        figure, _, measure = metric.removesuffix("_ms").partition("_")
        column, runs = LATENCIES[measure], self.latencies[policy]
        samples = [run.seconds[column] for run in runs]
        if scope != "overall":
            names = {"tenant": self.scenario.tenant_names, "category": self.scenario.category_names}
            place = names[scope].index(name)
            groups = (run.groups[scope] for run in runs)
            samples = [s[g == place] for s, g in zip(samples, groups, strict=True)]
        if figure == "mean":
            return PooledSample(samples), None
        return PooledSample(samples), 50.0 if figure == "median" else float(figure[1:])

    def change(
        self,
        metric: str,
        policy: str,
        base: str,
        *,
        scope: str = "overall",
        name: str = "all",
    ) -> PairedChange:
        """Relative change of a metric from `base` to `policy`, paired by seed.

        Of latencies it is that of the figures over all requests together, with the jackknife's
        interval; of other metrics the mean of the seeds' changes, with Student's.
        """
        if LATENCY.fullmatch(metric):
            (old, p), (new, _) = (
                self.pool(one, metric, scope=scope, name=name) for one in (base, policy)
            )
            if len(old) == len(new):
                return paired_pool_change(old, new, p)
        before, after = (self.values(one, metric, scope=scope, name=name) for one in (base, policy))
        return paired_change(before, after)

    def errors(self, measure: str, compensator: str) -> NDArray[np.float64]:
        """Error of the length estimates, mean over the policies, one value a seed.

        Parameters
        ----------
        measure : str
            mae, rmse, mape or mean_signed_error.
        compensator : str
            A name in `estimation`; an unknown one gives an empty array.
        """
        rows = self.estimation[self.estimation["compensator"] == compensator]
        return rows.groupby("seed", sort=True)[measure].mean().to_numpy(np.float64)

    def error_interval(self, measure: str, compensator: str) -> tuple[float, float, float]:
        """Mean of `errors` over the seeds, with its 95 % interval (Student's)."""
        return mean_interval(self.errors(measure, compensator))

    def error_change(self, measure: str, compensator: str = "ema") -> PairedChange:
        """Relative change of the error against no compensation, paired by seed.

        Of the means over the seeds, with the jackknife's interval; an error of 0 is -1 for sure.
        """
        before, after = (self.errors(measure, name) for name in ("none", compensator))
        if not after.any():
            return paired_change(before, after)
        return paired_pool_change(
            PooledSample(list(before[:, None])), PooledSample(list(after[:, None]))
        )


def compare(
    scenario: Scenario,
    policies: Sequence[str],
    seeds: int = 1,
    *,
    progress: Progress | None = None,
) -> Comparison:
    """Run a scenario under several policies, all on the same requests.

    Parameters
    ----------
    scenario : Scenario
        Its own policy keeps its parameters where it is among `policies`; others have defaults.
    policies : sequence of str
        Registered names, each once.
    seeds : int
        How many: the scenario's seed, the next number, …
    progress : callable, optional
        Called with the share of the work done, 0 to 1; what it raises ends the comparison.

    Raises
    ------
    UnknownNameError
        When a policy is not registered; the known ones are listed.
    InputError
        When no policy is named, one is named twice, `seeds` is below 1, or a run cannot be made.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> small = load_scenario("paper", ["phases.0.requests=50", "phases.1.requests=150"])
    >>> comparison = compare(small, ["fifo", "sjf"])
    >>> comparison.change("p50_e2el_ms", "sjf", "fifo").mean < 0
    True
    """
    if not policies:
        raise InputError(f"policies must name at least one of {', '.join(POLICIES)}, got none")
    name, count = Counter(policies).most_common(1)[0]
    if count > 1:
        raise InputError(f"policies must be named once each, got {name!r} {count} times")
    for name in policies:
        POLICIES[name]
    variants = {name: with_policy(scenario, name) for name in policies}
    return collect(scenario, replications(variants, seeds, progress))


def collect(scenario: Scenario, runs: Iterable[Run]) -> Comparison:
    """Gather runs, their variants named as policies, into a comparison."""
    first: dict[str, RunResult] = {}
    metrics: list[pd.DataFrame] = []
    estimation: list[pd.DataFrame] = []
    fairness: list[pd.DataFrame] = []
    latencies: dict[str, list[Latencies]] = {}
    for policy, seed, result in runs:
        first.setdefault(policy, result)
        latencies.setdefault(policy, []).append(Latencies.of(result))
        fair = {"scope": "overall", "name": "all"} | fairness_summary(result)
        for tables, table in (
            (metrics, metrics_table(result)),
            (estimation, estimation_table(result)),
            (fairness, pd.DataFrame([fair])),
        ):
            table.insert(0, "policy", policy)
            table.insert(1, "seed", seed)
            tables.append(table)
    return Comparison(
        scenario,
        first,
        pd.concat(metrics, ignore_index=True),
        pd.concat(estimation, ignore_index=True),
        latencies,
        pd.concat(fairness, ignore_index=True),
    )
