"""Policies compared on the same requests, over several seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.errors import InputError
from driftsched.experiments.replicate import Run, replications
from driftsched.results import (
    PairedChange,
    RunResult,
    estimation_table,
    mean_interval,
    metrics_table,
    paired_change,
)
from driftsched.scenario import Scenario, with_policy
from driftsched.scheduling.policies import POLICIES

if TYPE_CHECKING:
    from driftsched.simulation.traffic import Progress

__all__ = ["Comparison", "collect", "compare"]


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
    """

    scenario: Scenario
    first: dict[str, RunResult]
    metrics: pd.DataFrame
    estimation: pd.DataFrame

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
            For example ``"sjf"`` and ``"p99_e2el_ms"``.
        scope, name : str
            overall and all, or tenant or category and the name of one.
        """
        table = self.metrics
        mine = (table["policy"] == policy) & (table["scope"] == scope) & (table["name"] == name)
        return table.loc[mine, metric].to_numpy(np.float64)

    def interval(
        self, policy: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> tuple[float, float, float]:
        """Mean over the seeds with its 95 % interval: mean, low, high."""
        return mean_interval(self.values(policy, metric, scope=scope, name=name))

    def change(
        self,
        metric: str,
        policy: str,
        base: str,
        *,
        scope: str = "overall",
        name: str = "all",
    ) -> PairedChange:
        """Relative change of a metric from `base` to `policy`, paired by seed."""
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

    def error_change(self, measure: str, compensator: str = "ema") -> PairedChange:
        """Relative change of the error against no compensation, paired by seed."""
        return paired_change(self.errors(measure, "none"), self.errors(measure, compensator))


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
    for policy, seed, result in runs:
        first.setdefault(policy, result)
        for tables, table in (
            (metrics, metrics_table(result)),
            (estimation, estimation_table(result)),
        ):
            table.insert(0, "policy", policy)
            table.insert(1, "seed", seed)
            tables.append(table)
    return Comparison(
        scenario,
        first,
        pd.concat(metrics, ignore_index=True),
        pd.concat(estimation, ignore_index=True),
    )
