"""Any runs side by side, one of them the baseline: figures, differences, and what was different.

A run stands there alone, or with replications of it. Alone, its intervals are those that it allows
by itself (`WithinRun`); with replications they come from how these differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from driftsched.core.errors import InputError
from driftsched.core.lazily import lazily
from driftsched.experiments.run_figures import METRICS, OVERALL, Side, level
from driftsched.results import (
    Estimate,
    PairedChange,
    RunResult,
    paired_pool_change,
    unpaired_pool_change,
)
from driftsched.scenario import changed
from driftsched.scenario.differences import differing
from driftsched.simulation import simulate

if TYPE_CHECKING:
    from driftsched.gateway.interfaces import Progress

__all__ = ["SideBySide", "is_live", "replications", "same_requests"]

MOST_GROUPS = 12
"""Tenants, and categories, of which there are rows: those with the most requests."""


class Row(NamedTuple):
    """One figure of one run, as a row of `SideBySide.table`."""

    run: str
    scope: str
    name: str
    metric: str
    value: float
    low: float
    high: float
    change: float
    change_low: float
    change_high: float
    paired: bool


def is_live(result: RunResult) -> bool:
    """Whether it was measured on a real engine."""
    return result.provenance.get("live") is not None


def same_requests(one: RunResult, other: RunResult) -> bool:
    """Whether two runs served the same requests, so that they may be paired.

    They did where both tables have the same request ids, and each request came from the same tenant
    at the same time. Tries again and users of a closed loop follow the answers, so a run with them
    hardly ever has the requests of another.
    """
    mine, theirs = one.requests, other.requests
    return len(mine) == len(theirs) and all(
        np.array_equal(np.asarray(mine[name]), np.asarray(theirs[name]))
        for name in ("request_id", "arrival_s", "tenant")
    )


def replications(
    result: RunResult, seeds: int, *, progress: Progress | None = None
) -> list[RunResult]:
    """The run, and its scenario simulated with the next seeds; `seeds` in all.

    Raises
    ------
    InputError
        When more than one is asked for of a live run.
    """
    if seeds > 1 and is_live(result):
        raise InputError(f"seeds must be 1 beside a live run, which has one, got {seeds}")
    runs = [result]
    for number in range(1, seeds):
        runs.append(simulate(changed(result.scenario, seed=result.scenario.seed + number)))
        if progress is not None:
            progress(number / (seeds - 1))
    return runs


class SideBySide:
    """Runs by name, each alone or with its replications, and which of them is the baseline.

    Parameters
    ----------
    runs : mapping of str to sequence of RunResult
        At least one each; the first is the run itself. All have one, or several.
    baseline : str
        A name among `runs`; the first by default.

    Raises
    ------
    InputError
        When there are fewer than two runs, or no run of the baseline's name.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> small = load_scenario("busy-gpu", ["phases.0.duration_s=20"])
    >>> runs = {p: [simulate(changed(small, policy={"kind": p}))] for p in ("fifo", "sjf")}
    >>> beside = SideBySide(runs)
    >>> beside.paired("sjf")
    True
    >>> beside.differing().index.tolist()
    ['policy.kind']
    """

    def __init__(self, runs: Mapping[str, Sequence[RunResult]], baseline: str = "") -> None:
        if len(runs) < 2:
            raise InputError(f"runs to compare must be at least two, got {len(runs)}")
        self.runs = {name: tuple(results) for name, results in runs.items()}
        self.baseline = baseline or next(iter(runs))
        if self.baseline not in runs:
            raise InputError(f"baseline must be one of {', '.join(runs)}, got {baseline!r}")
        self._sides = {name: Side(results) for name, results in self.runs.items()}
        self._paired: dict[str, bool] = {}

    @property
    def first(self) -> dict[str, RunResult]:
        """The runs themselves, by name."""
        return {name: results[0] for name, results in self.runs.items()}

    @property
    def others(self) -> list[str]:
        """All but the baseline."""
        return [name for name in self.runs if name != self.baseline]

    @property
    def seeds(self) -> int:
        """Replications of each run, itself among them."""
        return min(len(results) for results in self.runs.values())

    def paired(self, run: str) -> bool:
        """Whether a run is paired with the baseline.

        Runs alone are where they served the same requests (`same_requests`); replications where
        they have the same seeds: what two of one seed share, if anything, drops out.
        """
        if run not in self._paired:
            mine, base = self.runs[run], self.runs[self.baseline]
            if len(mine) == len(base) == 1:
                self._paired[run] = same_requests(mine[0], base[0])
            else:
                seeds = [[one.scenario.seed for one in side] for side in (mine, base)]
                self._paired[run] = seeds[0] == seeds[1]
        return self._paired[run]

    def groups(self) -> list[tuple[str, str]]:
        """Scope and name of all requests, then tenants, then categories that any run has."""
        found = [(OVERALL["scope"], OVERALL["name"])]
        for scope in ("tenant", "category"):
            counts = pd.concat([one.requests[scope].astype(str) for one in self.first.values()])
            kept = set(counts.value_counts().nlargest(MOST_GROUPS).index)
            known = (getattr(one.scenario, f"{scope}_names") for one in self.first.values())
            names = dict.fromkeys(name for names in known for name in names)
            found += [(scope, name) for name in names if name in kept]
        return found

    def estimate(
        self, run: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> Estimate:
        """A figure of a run with its 95 % interval, NaN where that is not known.

        The figure is that of all requests of the run, or of all its replications together.
        """
        return self._sides[run].group(scope, name).estimate(metric)

    def change(
        self, run: str, metric: str, *, scope: str = "overall", name: str = "all"
    ) -> PairedChange:
        """Relative change of a figure from the baseline to a run.

        From replications: of the figures over all of them, with the jackknife's interval. From one
        run each: of the steady state past both warm-ups, whose batches take the place of
        replications, where both runs tell enough for intervals of their own; else of the whole
        runs, with no interval.
        """
        old, new = (self._sides[side].group(scope, name) for side in (self.baseline, run))
        paired = self.paired(run)
        sure = self.seeds > 1 or (old.steady(metric) and new.steady(metric))
        cuts = (old.cut, new.cut) if sure else (0, 0)
        before, after = (
            one.pool(metric, max(cuts) if paired else cut, sure)
            for one, cut in zip((old, new), cuts, strict=True)
        )
        paired = paired and len(before) == len(after)
        return (paired_pool_change if paired else unpaired_pool_change)(
            before, after, level(metric)
        )

    @lazily
    def _table(self) -> pd.DataFrame:
        rows = []
        for scope, name in self.groups():
            metrics = METRICS if scope == OVERALL["scope"] else METRICS[:-1]
            for run in self.runs:
                if not self._sides[run].group(scope, name):
                    continue
                for metric in metrics:
                    one = self.estimate(run, metric, scope=scope, name=name)
                    change = PairedChange(0.0, 0.0, 0.0, one.n)
                    if run != self.baseline:
                        change = self.change(run, metric, scope=scope, name=name)
                    rows.append(
                        Row(
                            *(run, scope, name, metric, one.value, one.low, one.high),
                            *(change.mean, change.low, change.high, self.paired(run)),
                        )
                    )
        return pd.DataFrame(rows, columns=Row._fields)

    def table(self) -> pd.DataFrame:
        """All figures: a row a run, group and metric.

        Columns are those of `Row`: run, scope (overall, tenant, category), name, metric, value, low
        and high, and the relative change against the baseline with its ends; latencies are in ms,
        shares from 0 to 1, throughput in requests/s. NaN is unknown; an infinite end is open.
        """
        return self._table

    def differing(self) -> pd.DataFrame:
        """What differs between the runs' scenarios: a row a field, a column a run, texts."""
        fields = differing({name: result.scenario for name, result in self.first.items()})
        table = pd.DataFrame.from_dict(fields, orient="index", columns=list(self.runs), dtype=str)
        return table.rename_axis("field")
