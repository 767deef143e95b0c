"""Policies compared on the same requests, over several seeds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import InputError
from driftsched.experiments.ensemble import Ensemble, run_ensemble
from driftsched.experiments.figures import Figures
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
    from driftsched.gateway.interfaces import Progress

__all__ = ["COMPLETED", "LATENCY", "Comparison", "RunTables", "compare", "repeat", "run_tables"]

LATENCY = re.compile(r"(mean|median|p[0-9.e+-]+)_(ttft|tpot|e2el|queue_wait)_ms")
"""Metrics that are figures of all requests of all seeds together."""
COMPLETED = "completed_share"
"""Share of the submitted requests that finished, beside the metrics' own names."""


class RunTables(NamedTuple):
    """What a comparison keeps of each run beside its arrays; the run itself of the first seed."""

    result: RunResult | None
    metrics: pd.DataFrame
    estimation: pd.DataFrame
    fairness: pd.DataFrame


def run_tables(result: RunResult, first_seed: int) -> RunTables:
    """Summarise a run for a comparison."""
    fair = {"scope": "overall", "name": "all"} | fairness_summary(result)
    return RunTables(
        result if result.scenario.seed == first_seed else None,
        metrics_table(result),
        estimation_table(result),
        pd.DataFrame([fair]),
    )


@dataclass(frozen=True)
class Comparison:
    """What several policies made of the same requests.

    Attributes
    ----------
    scenario : Scenario
        What was asked for, under its own policy and seed.
    ensemble : Ensemble
        The runs as arrays.
    first : dict of str to RunResult
        Policy → its run with the first seed, in the order asked for.
    metrics : DataFrame
        policy, seed, scope (overall, tenant, category), name, then the keys of `summarise`.
    estimation : DataFrame
        policy, seed, then the columns of `estimation_table`: compensator, mae, rmse, mape, …
    fairness : DataFrame
        policy, seed, scope and name (always overall and all), then the keys of `fairness_summary`.
    """

    scenario: Scenario
    ensemble: Ensemble
    first: dict[str, RunResult]
    metrics: pd.DataFrame
    estimation: pd.DataFrame
    fairness: pd.DataFrame

    @classmethod
    def of(cls, scenario: Scenario, ensemble: Ensemble, policies: Sequence[str]) -> Comparison:
        """Join the `RunTables` that were measured under some of an ensemble's variants."""
        measured: dict[str, list[RunTables]] = {p: ensemble.measured[p] for p in policies}

        def joined(name: str) -> pd.DataFrame:
            parts: dict[tuple[str, int], pd.DataFrame] = {
                (policy, seed): getattr(tables[place], name)
                for place, seed in enumerate(ensemble.seeds)
                for policy, tables in measured.items()
            }
            joint = pd.concat(parts, names=["policy", "seed"]).reset_index(["policy", "seed"])
            return joint.reset_index(drop=True)

        first = {name: tables[0].result for name, tables in measured.items()}
        return cls(
            scenario,
            replace(ensemble, measured={}),
            {name: result for name, result in first.items() if result is not None},
            *map(joined, ("metrics", "estimation", "fairness")),
        )

    @property
    def policies(self) -> list[str]:
        """Names of the policies, in the order asked for."""
        return list(self.first)

    @property
    def seeds(self) -> list[int]:
        """The seeds, in the order run."""
        return list(self.ensemble.seeds)

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
        return pool.estimate(p)

    def pool(
        self, policy: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> tuple[PooledSample, float | None]:
        """Latencies that a metric is about, by seed, and its percentile; None for the mean."""
        figure, _, measure = metric.removesuffix("_ms").partition("_")
        figures = Figures(self.ensemble)
        group = 0 if scope == "overall" else figures.names(scope).index(name)
        pool = figures.pool(policy, LATENCIES[measure], scope, group)
        if figure == "mean":
            return pool, None
        return pool, 50.0 if figure == "median" else float(figure[1:])

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
    return _compared(scenario, variants, seeds, progress)


def _compared(
    scenario: Scenario, variants: Mapping[str, Scenario], seeds: int, progress: Progress | None
) -> Comparison:
    ensemble = run_ensemble(
        variants,
        seeds,
        measure=lambda _, result: run_tables(result, scenario.seed),
        progress=progress,
    )
    return Comparison.of(scenario, ensemble, list(variants))


def repeat(
    scenario: Scenario,
    seeds: int,
    metrics: Sequence[str],
    tenant: str = "",
    *,
    progress: Progress | None = None,
) -> dict[str, tuple[float, float, float]]:
    """Run a scenario with several seeds under its own policy, for the intervals of its figures.

    Parameters
    ----------
    scenario, seeds, progress
        As in `compare`.
    metrics : sequence of str
        Names as in `Comparison.interval`, or `COMPLETED`.
    tenant : str
        Whose figures they are; everybody's where it is empty.

    Returns
    -------
    dict
        Metric → its value over all seeds and the ends of its 95 % interval.
    """
    policy = scenario.policy.kind
    comparison = _compared(scenario, {policy: scenario}, seeds, progress)
    whose = {"scope": "tenant", "name": tenant} if tenant else {}
    found = {m: comparison.interval(policy, m, **whose) for m in metrics if m != COMPLETED}
    if COMPLETED in metrics:
        done, asked = (
            comparison.values(policy, name, **whose) for name in ("completed", "submitted")
        )
        found[COMPLETED] = mean_interval(done / np.maximum(asked, 1))
    return found
