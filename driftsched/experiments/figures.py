"""Figures of an ensemble, each with its 95 % interval over the replications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.lazily import lazily
from driftsched.results import (
    PairedChange,
    PooledSample,
    Warmup,
    mean_interval,
    mser5,
    paired_pool_change,
)
from driftsched.results.fairness import competition
from driftsched.results.slo import slo_counts, slo_rates
from driftsched.results.statistics import latency_verdict

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Ensemble
    from driftsched.results.outcomes import RunArrays

__all__ = ["CURVE", "Figures", "warmup"]

Floats = NDArray[np.float64]
CURVE = np.unique(np.r_[np.linspace(0.005, 0.995, 120), 0.001, 0.5, 0.99, 0.999])
"""Shares of the requests at which a distribution is drawn."""
NOTHING = PairedChange(np.nan, np.nan, np.nan, 0)


class Figures:
    """What an ensemble says, over all its replications together.

    Percentiles and means come from all requests of all replications (`PooledSample`); what a
    replication has one of, such as its goodput, is averaged with Student's interval.

    Parameters
    ----------
    ensemble : Ensemble
        At least one replication; one alone has no intervals.
    cut : int
        Requests to leave out at the start of each replication.
    warmup : Warmup, optional
        Where the warm-up ends, for those who show it, left out or not.
    who : sequence of str
        Tenants of the split ``focus``; none are all.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        cut: int = 0,
        warmup: Warmup | None = None,
        who: Sequence[str] = (),
    ) -> None:
        self.ensemble, self.cut, self.warmup = ensemble, cut, warmup
        self.who = [ensemble.scenario.tenant_names.index(name) for name in who]
        self._goals: dict[str, pd.DataFrame] = {}
        self._latencies: dict[tuple[str, str], list[Floats]] = {}
        self._pools: dict[tuple[str, str, str, int], PooledSample] = {}

    def names(self, split: str) -> list[str]:
        """Groups of a split: tenants, categories, or one without a name for overall and focus."""
        scenario = self.ensemble.scenario
        known = {"tenant": scenario.tenant_names, "category": scenario.category_names}
        return known.get(split, [""])

    def pool(
        self, policy: str, metric: str, split: str = "overall", group: int = 0
    ) -> PooledSample:
        """A latency of the finished requests, by replication.

        `metric` is e2e_s, ttft_s, tpot_s, queue_wait_s or slowdown; `split` and `group` are
        overall, focus (the tenants in focus together), or tenant or category and the place of one.
        """
        if split == "focus" and not self.who:
            split = "overall"
        key = (policy, metric, split, group)
        if key not in self._pools:
            values = self.latencies(policy, metric)
            if split != "overall":
                runs = self.ensemble.runs[policy]
                of, wanted = ("tenant", self.who) if split == "focus" else (split, [group])
                groups = [getattr(run.workload, of)[self.cut :] for run in runs]
                values = [v[np.isin(g, wanted)] for v, g in zip(values, groups, strict=True)]
            self._pools[key] = PooledSample(values)
        return self._pools[key]

    def latencies(self, policy: str, metric: str) -> list[Floats]:
        """A latency of each request past the cut, NaN where it did not finish, by replication.

        Slowdown is end to end over the same without the wait in the queue.
        """
        key = (policy, metric)
        if key not in self._latencies:
            runs = self.ensemble.runs[policy]
            if metric == "slowdown":
                values = [_slowdown(run) for run in runs]
            else:
                values = [run.latency(metric) for run in runs]
            self._latencies[key] = [value[self.cut :] for value in values]
        return self._latencies[key]

    def changes(
        self,
        policy: str,
        metric: str,
        levels: Sequence[float],
        split: str = "overall",
        group: int = 0,
        before: Figures | None = None,
    ) -> list[PairedChange]:
        """Change of each percentile, paired by replication.

        It is against the first policy, or the same one of the figures `before`.
        """
        first = self.ensemble.policies[0]
        before_pool = (before or self).pool(policy if before else first, metric, split, group)
        after = self.pool(policy, metric, split, group)
        if len(before_pool) != len(after):
            return [NOTHING] * len(levels)
        return [paired_pool_change(before_pool, after, level) for level in levels]

    def percentiles(
        self,
        metric: str,
        levels: Sequence[float],
        split: str = "overall",
        *,
        compared: bool = True,
        before: Figures | None = None,
    ) -> pd.DataFrame:
        """Percentiles with intervals and, where wanted, their change, as `changes` has it.

        Returns
        -------
        DataFrame
            policy, group ("" for all), metric, percentile, value_s, low_s, high_s; compared:
            change, change_low, change_high (relative; NaN for the first policy), verdict.
        """
        rows = []
        for policy in self.ensemble.policies:
            for group, name in enumerate(self.names(split)):
                pool = self.pool(policy, metric, split, group)
                changes = [NOTHING] * len(levels)
                if compared and (before or policy != self.ensemble.policies[0]):
                    changes = self.changes(policy, metric, levels, split, group, before)
                for level, change in zip(levels, changes, strict=True):
                    one = pool.percentile(level)
                    row = (policy, name, metric, level, one.value, one.low, one.high)
                    rows.append(
                        (*row, change.mean, change.low, change.high, latency_verdict(change))
                    )
        names = ["policy", "group", "metric", "percentile", "value_s", "low_s", "high_s"]
        names += ["change", "change_low", "change_high", "verdict"]
        frame = pd.DataFrame(rows, columns=names)
        return frame if compared else frame.iloc[:, :7]

    def curves(self, metric: str) -> pd.DataFrame:
        """Distribution function of a latency of those in focus, with its band.

        Returns
        -------
        DataFrame
            policy, share (0 to 1), value_s, low and high: shares between which the distribution
            function lies at value_s.
        """
        parts = []
        for policy in self.ensemble.policies:
            pool = self.pool(policy, metric, "focus")
            if not len(pool):
                continue
            at = np.quantile(pool.values, CURVE)
            _, low, high = pool.share_under(at)
            columns = {"policy": policy, "share": CURVE, "value_s": at, "low": low, "high": high}
            parts.append(pd.DataFrame(columns))
        names = ["policy", "share", "value_s", "low", "high"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)

    def goals(self, split: str = "overall") -> pd.DataFrame:
        """Goals met, goodput, refusals and long waits: means over the replications.

        Returns
        -------
        DataFrame
            policy, group (of the split overall or tenant), then the figures of `slo_rates`; for
            each also ``_low`` and ``_high``.
        """
        if split not in self._goals:
            self._goals[split] = self._goals_by(split)
        return self._goals[split]

    def _goals_by(self, split: str) -> pd.DataFrame:
        rows = []
        for policy, counts in self._counts.items():
            summed = counts.sum(axis=2)
            summed[:, -1] = counts[:, -1, 0]  # the span is everybody's
            for group, name in enumerate(self.names(split)):
                found = slo_rates(summed if split == "overall" else counts[:, :, group])
                row: dict[str, str | float] = {"policy": policy, "group": name}
                for measure, values in found.items():
                    mean, low, high = mean_interval(values)
                    row |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
                rows.append(row)
        return pd.DataFrame(rows)

    @lazily
    def _counts(self) -> dict[str, Floats]:
        """Policy → counts, shape (replications, len(COUNTED), tenants); the last is a span."""
        scenario, runs = self.ensemble.scenario, self.ensemble.runs.items()
        return {
            policy: np.array([slo_counts(scenario, run, self.cut) for run in mine])
            for policy, mine in runs
        }

    def competition(self) -> pd.DataFrame:
        """Service of each tenant while it competes, over its due; see `results.fairness`.

        Returns
        -------
        DataFrame
            policy, tenant, normalised_share, low, high, and of the policy gap_tokens (the largest
            service gap, in tokens over weight), gap_low, gap_high; means over the replications, the
            ends of their intervals 0 or more.
        """
        return self._competition

    @lazily
    def _competition(self) -> pd.DataFrame:
        tenants = self.ensemble.scenario.tenants
        weight = np.array([tenant.weight for tenant in tenants])
        rows = []
        for policy, runs in self.ensemble.runs.items():
            found = [competition(run, weight) for run in runs]
            gap = np.maximum(mean_interval([gap for _, gap in found]), 0)
            for number, tenant in enumerate(tenants):
                share = np.maximum(mean_interval([shares[number] for shares, _ in found]), 0)
                rows.append((policy, tenant.name, *share, *gap))
        names = ["policy", "tenant", "normalised_share", "low", "high"]
        return pd.DataFrame(rows, columns=[*names, "gap_tokens", "gap_low", "gap_high"])

    def errors(self, policy: str) -> pd.DataFrame:
        """Errors of the length estimates under a policy: none, the scenario's own, and oracle.

        Returns
        -------
        DataFrame
            compensator, mae, low, high, rmse, rmse_low, rmse_high, in the estimator's unit.
        """
        own = self.ensemble.scenario.estimator.compensator.kind
        rows = [("none", *self._errors(policy, own=False))]
        if own not in ("none", "oracle"):
            rows.append((own, *self._errors(policy, own=True)))
        rows.append(("oracle", *(0.0,) * 6))
        names = ["mae", "low", "high", "rmse", "rmse_low", "rmse_high"]
        return pd.DataFrame(rows, columns=["compensator", *names])

    def error_change(self, policy: str) -> PairedChange:
        """Change of the mean absolute error against no correction, paired by replication."""
        before, after = (
            PooledSample([np.abs(e) for e in self._misses(policy, own)]) for own in (False, True)
        )
        return paired_pool_change(before, after)

    def _errors(self, policy: str, *, own: bool) -> tuple[float, ...]:
        misses = self._misses(policy, own)
        mean = PooledSample([np.abs(error) for error in misses]).mean()
        square = PooledSample([error**2 for error in misses]).mean()
        roots = np.sqrt(np.maximum([square.value, square.low, square.high], 0.0))
        return mean.value, mean.low, mean.high, *map(float, roots)

    def _misses(self, policy: str, own: bool) -> list[Floats]:
        """Estimate − actual of the finished requests, by replication."""
        found = []
        for run in self.ensemble.runs[policy]:
            done = run.has_status("finished")
            done[: self.cut] = False
            prior = run.budgets.uncorrected_estimate.astype(np.int64)
            guess = run.outcomes.estimated_output_tokens if own else prior
            found.append((guess - run.budgets.output_length)[done].astype(np.float64))
        return found

    def least_precise(self, metric: str, level: float) -> str:
        """Give the policy whose percentile is known least well."""
        found = {p: self.pool(p, metric).percentile(level) for p in self.ensemble.policies}
        return max(found, key=lambda p: np.nan_to_num(found[p].precision, nan=-1.0))


def _slowdown(run: RunArrays) -> Floats:
    whole = run.latency("e2e_s")
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = whole / (whole - run.latency("queue_wait_s"))
    return np.where(np.isfinite(found), found, np.nan)


def warmup(ensemble: Ensemble) -> Warmup:
    """Where the warm-up of all policies ends: MSER-5 on the mean end-to-end latency.

    The mean is that over the replications, of requests in order of arrival (Welch's averages), and
    the latest cut of any policy counts, so that all keep the same requests. It is settled where
    every policy's is.
    """
    cuts = []
    for runs in ensemble.runs.values():
        shortest = min(map(len, runs))
        values = np.array([run.latency("e2e_s")[:shortest] for run in runs])
        known = ~np.isnan(values)
        count = known.sum(axis=0)
        total = np.where(known, values, 0.0).sum(axis=0)
        cuts.append(mser5(np.divide(total, count, out=np.full(shortest, np.nan), where=count > 0)))
    return Warmup(max(cut.cut for cut in cuts), all(cut.settled for cut in cuts))
