"""The published claims once more with one assumption changed at a time, and part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftsched.core.errors import InputError
from driftsched.experiments.claims import PUBLISHED
from driftsched.experiments.ensemble import part, run_ensemble
from driftsched.experiments.reproduce import published
from driftsched.results import PairedChange, PooledSample, paired_pool_change
from driftsched.scenario import changed, with_policy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftsched.experiments.ensemble import Advance, Ensemble
    from driftsched.results.outcomes import RunArrays
    from driftsched.scenario import Scenario

    Who = Callable[[RunArrays], NDArray[np.bool_]]

__all__ = ["AS_IT_IS", "NAMES", "SPREAD", "WORDS_PER_TOKEN", "assumed", "moves", "sensitivities"]

AS_IT_IS = "as it is"
NAMES = {"mae": "MAE", "rmse": "RMSE", "p50": "SJF's median", "p99": "SJF's P99"}
"""Of `PUBLISHED`, how each claim is called."""
SPREAD, WORDS_PER_TOKEN = 3.0, 0.85
"""What σ of all lengths is multiplied by; words a token of all categories."""


def assumed(scenario: Scenario) -> dict[str, Scenario]:
    """Give the experiment as it is, and with one of its assumptions changed, by what is changed.

    Raises
    ------
    InputError
        When a category's lengths are not log-normal: they have no σ.
    """
    wider, wordy = [], []
    for number, category in enumerate(scenario.model_dump(by_alias=True)["categories"]):
        lengths = category["output_tokens"]
        if lengths["kind"] != "lognormal":
            rule = "must be lognormal where its σ is changed"
            raise InputError(
                f"categories[{number}].output_tokens.kind {rule}, got {lengths['kind']}"
            )
        wider.append(category | {"output_tokens": lengths | {"sigma": SPREAD * lengths["sigma"]}})
        wordy.append(category | {"words_per_token": WORDS_PER_TOKEN})
    return {
        AS_IT_IS: scenario,
        f"spread × {SPREAD:g}": changed(scenario, categories=wider),
        f"{WORDS_PER_TOKEN:g} words per token": changed(scenario, categories=wordy),
        "prompts without job type": changed(scenario, prompts={"leak": False}),
    }


def sensitivities(
    scenario: Scenario,
    *,
    seeds: int = 10,
    unit: str = "words",
    mode: str = "gang",
    lengths: str = "natural",
    progress: Advance | None = None,
) -> pd.DataFrame:
    """Repeat the published experiment under each of `assumed`, FIFO and SJF on the same requests.

    Parameters and what is raised are as in `reproduce`, and in `assumed`.

    Returns
    -------
    DataFrame
        assumption, part (bool), claim (of `NAMES`), published_percent, ours_percent, low, high
        (95 % interval, paired by replication). After the assumptions come, with `part`, some of the
        requests of the experiment as it is: its last phase, and each tenant.
    """
    scenario = published(scenario, unit, mode, lengths)
    asked = assumed(scenario)
    rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for place, (assumption, variant) in enumerate(asked.items()):
        told = None if progress is None else part(progress, place, len(asked))
        variants = {name: with_policy(variant, name) for name in ("fifo", "sjf")}
        ensemble = run_ensemble(variants, seeds, progress=told)
        rows += _judged(assumption, ensemble)
        if assumption == AS_IT_IS:
            for name, who in _parts(scenario).items():
                parts += _judged(name, ensemble, who)
    return pd.DataFrame(rows + parts)


def _parts(scenario: Scenario) -> dict[str, Who]:
    """Parts of the experiment's requests: its last phase, and each tenant."""
    found: dict[str, Who] = {}
    if len(scenario.phases) > 1:
        last = len(scenario.phases) - 1
        found[f"{scenario.phases[-1].name} phase only"] = lambda run: run.workload.phases == last
    for place, name in enumerate(scenario.tenant_names):
        found[f"{name} only"] = partial(_of_tenant, place)
    return found


def _of_tenant(place: int, run: RunArrays) -> NDArray[np.bool_]:
    mine: NDArray[np.bool_] = run.workload.tenant == place
    return mine


def _judged(
    assumption: str, ensemble: Ensemble, part_of: Who | None = None
) -> list[dict[str, Any]]:
    """A row a claim, of all requests or of a part of them."""
    who = part_of or (lambda run: np.full(len(run), True))
    latency = {
        policy: PooledSample([_known(run.latency("e2e_s")[who(run)]) for run in runs])
        for policy, runs in ensemble.runs.items()
    }
    found = {measure: _error_change(measure, ensemble.runs, who) for measure in ("mae", "rmse")}
    for claim, level in (("p50", 50.0), ("p99", 99.0)):
        found[claim] = paired_pool_change(latency["fifo"], latency["sjf"], level)
    return [
        {
            "assumption": assumption,
            "part": part_of is not None,
            "claim": NAMES[claim],
            "published_percent": PUBLISHED[claim],
            "ours_percent": 100 * change.mean,
            "low": 100 * change.low,
            "high": 100 * change.high,
        }
        for claim, change in found.items()
    ]


def _error_change(measure: str, runs: Mapping[str, list[RunArrays]], who: Who) -> PairedChange:
    """Change of an error by compensation: of its means over policies and replications."""
    before, after = (
        np.mean(
            [[_error(measure, run, who(run), own) for run in mine] for mine in runs.values()], 0
        )
        for own in (False, True)
    )
    return paired_pool_change(
        PooledSample(list(before[:, None])), PooledSample(list(after[:, None]))
    )


def _error(measure: str, run: RunArrays, who: NDArray[np.bool_], own: bool) -> float:
    budgets, done = run.budgets, who & run.has_status("finished")
    prior = budgets.uncorrected_estimate.astype(np.int64)
    guess = run.outcomes.estimated_output_tokens if own else prior
    misses = (guess - budgets.output_length)[done].astype(np.float64)
    return float(np.abs(misses).mean() if measure == "mae" else np.sqrt((misses**2).mean()))


def _known(latency: NDArray[np.float64]) -> NDArray[np.float64]:
    return latency[~np.isnan(latency)]


def moves(table: pd.DataFrame) -> str:
    """Say in a sentence which assumption moves each claim most; `table` is of `sensitivities`."""
    said = []
    for claim, mine in table[~table["part"]].groupby("claim", sort=False):
        ours = mine.set_index("assumption")["ours_percent"]
        furthest = str((ours - ours[AS_IT_IS]).abs().idxmax())
        went = f"{ours[AS_IT_IS]:+.0f} → {ours[furthest]:+.0f} %".replace("-", "\N{MINUS SIGN}")
        said.append(f"{claim} {went} ({furthest})")
    return f"What moves each most: {'; '.join(said)}."
