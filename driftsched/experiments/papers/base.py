"""A published experiment: its source, what is run, and how its claims are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from driftsched.experiments.ensemble import Ensemble, part, run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.experiments.verdicts import JUDGED, Interval, Row, claims_frame, percent
from driftsched.results import PooledSample, paired_pool_change
from driftsched.scenario import Scenario, with_policy

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance, Measure

__all__ = ["Paper", "Reproduction", "Runs", "under"]


@dataclass(frozen=True)
class Reproduction:
    """What a repetition gave: its claims (`claims_frame`), what was assumed, every run's figures.

    Each of `assumptions` is a sentence; `metrics` has a row a run.
    """

    claims: pd.DataFrame
    assumptions: list[str]
    metrics: pd.DataFrame

    @classmethod
    def of(cls, rows: Sequence[Row], assumed: Sequence[str], metrics: pd.DataFrame) -> Self:
        """Put one together, with the rule of its verdicts among what is assumed."""
        return cls(claims_frame(rows), [*assumed, JUDGED], metrics)


@dataclass(frozen=True)
class Paper:
    """A published experiment.

    Attributes
    ----------
    title, source, question : str
        What people call it, where it was published, and what it is about.
    scenarios : mapping of str to Scenario
        Setting → what is run; its policy does not matter.
    judge : callable
        (scenarios, seeds, progress) → `Reproduction`: run the settings and judge the claims.
    """

    title: str
    source: str
    question: str
    scenarios: Mapping[str, Scenario]
    judge: Callable[[Mapping[str, Scenario], int, Advance | None], Reproduction]


Variants = Mapping[str, Mapping[str, Scenario]]


def under(scenarios: Mapping[str, Scenario], policies: Sequence[str]) -> Variants:
    """Each setting under each policy: setting → policy → scenario."""
    return {
        setting: {policy: with_policy(scenario, policy) for policy in policies}
        for setting, scenario in scenarios.items()
    }


class Runs:
    """Settings × policies × replications; all of a setting meet the same requests.

    Parameters and what is raised are as in `run_ensemble`, by setting.
    """

    def __init__(
        self,
        variants: Variants,
        seeds: int,
        progress: Advance | None = None,
        measure: Measure | None = None,
    ) -> None:
        self.of: dict[str, Ensemble] = {}
        for place, (setting, mine) in enumerate(variants.items()):
            told = None if progress is None else part(progress, place, len(variants))
            self.of[setting] = run_ensemble(mine, seeds, measure=measure, progress=told)
        self._figures = {setting: Figures(ensemble) for setting, ensemble in self.of.items()}

    def latency(self, setting: str, policy: str, category: int | None = None) -> PooledSample:
        """End-to-end latencies, of all or of a category by its number."""
        split = ("overall", 0) if category is None else ("category", category)
        return self._figures[setting].pool(policy, "e2e_s", *split)

    def change(
        self, setting: str, policy: str, level: float | None = None, category: int | None = None
    ) -> Interval:
        """Change in percent against the setting's first policy: of a percentile, else the mean."""
        first = self.latency(setting, self.of[setting].policies[0], category)
        return percent(paired_pool_change(first, self.latency(setting, policy, category), level))

    def metrics(self) -> pd.DataFrame:
        """A row a run: setting, variant, seed, finished, preemptions, mean_s, p50_s, p90_s, p99_s.

        Latencies are end to end.
        """
        rows: list[dict[str, Any]] = []
        for setting, ensemble in self.of.items():
            for variant, runs in ensemble.runs.items():
                for seed, run in zip(ensemble.seeds, runs, strict=True):
                    latency = run.latency("e2e_s")
                    done = latency[~np.isnan(latency)]
                    levels = np.quantile(done, (0.5, 0.9, 0.99)) if len(done) else [np.nan] * 3
                    row = {"setting": setting, "variant": variant, "seed": seed}
                    row |= {"finished": len(done), "mean_s": np.mean(done) if len(done) else np.nan}
                    row |= {"preemptions": int(run.outcomes.preemptions.sum())}
                    rows.append(row | dict(zip(("p50_s", "p90_s", "p99_s"), levels, strict=True)))
        return pd.DataFrame(rows)
