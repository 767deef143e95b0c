"""What an estimate is worth: a scenario under other estimators, on the same requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftsched.core.errors import InputError
from driftsched.estimation.predictors import PREDICTORS
from driftsched.estimation.predictors.prompt_regression import PromptRegressionConfig
from driftsched.experiments.ensemble import part, run_ensemble, same_requests
from driftsched.results import PairedChange, mean_interval, paired_change
from driftsched.results.slo import slo_counts, slo_rates
from driftsched.scenario import changed, with_policy
from driftsched.scheduling.policies import POLICIES
from driftsched.workload import generate
from driftsched.workload.budgets import prepare_budgets

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance, Ensemble
    from driftsched.results.outcomes import RunArrays
    from driftsched.scenario import Scenario

__all__ = ["MEASURES", "TAUS", "estimators", "pays", "worth"]

MEASURES = {
    "mean_s": "mean latency",
    "median_s": "median latency",
    "p99_s": "P99 latency",
    "goodput_rps": "goodput",
}
"""What is measured of each replication, end to end, and how it is called."""
TAUS = (0.3, 0.5, 0.7, 0.8, 0.9)
CATEGORY = {"kind": "category"}
TODAY, ORACLE, MINUS = "today", "oracle", "\N{MINUS SIGN}"


def estimators(
    scenario: Scenario,
    *,
    compensators: Sequence[str] = (),
    predictors: Sequence[str] = (),
    taus: Sequence[float] = TAUS,
    sigmas: Sequence[float] = (),
    replications: int = 1,
) -> dict[str, Scenario]:
    """Scenarios that differ in their estimator alone, by its name.

    today (the scenario's own), none, each compensator and predictor by its kind, noisy oracles as
    "τ 0.6" and "σ 0.5", oracle. A predictor keeps today's compensator; the prompts' regression is
    fitted to a replication of its own, that after the last. Noisy oracles are taken as they are,
    without safety and input factor or compensator.

    Raises
    ------
    InputError
        When a name is not registered, or requests depend on how they are served (`same_requests`).
    """
    same_requests(scenario)
    found = {TODAY: scenario}
    for kind in ("none", *compensators, ORACLE):
        if kind != scenario.estimator.compensator.kind:
            found[kind] = changed(scenario, estimator__compensator={"kind": kind})
    for kind in predictors:
        spec = PREDICTORS[kind].model_validate({"kind": kind})
        if isinstance(spec, PromptRegressionConfig):
            spec = _fitted(scenario, scenario.seed + replications)
        found[kind] = changed(scenario, estimator__predictor=spec.model_dump())
    plain = [tenant.model_dump() | {"safety_factor": 1.0} for tenant in scenario.tenants]
    for sign, name, values in (("τ", "tau", taus), ("σ", "sigma", sigmas)):
        for value in values:
            found[f"{sign} {value:g}"] = changed(
                scenario,
                tenants=plain,
                estimator__predictor={"kind": "noisy_oracle", name: value},
                estimator__compensator={"kind": "none"},
                estimator__input_factor={"cap": 1.0},
            )
    if scenario.estimator.compensator.kind != ORACLE:
        found[ORACLE] = found.pop(ORACLE)  # last
    return found


def _fitted(scenario: Scenario, seed: int) -> PromptRegressionConfig:
    past, plain = generate(scenario, seed), changed(scenario, estimator__predictor=CATEGORY)
    known = prepare_budgets(plain, past, seed)
    return PromptRegressionConfig.fitted(
        known.base_tokens, known.prompt_length, known.output_length
    )


def worth(
    asked: Mapping[str, Scenario],
    policies: Sequence[str],
    replications: int = 10,
    *,
    progress: Advance | None = None,
) -> pd.DataFrame:
    """Run a scenario under several policies and estimators, all on the same requests.

    Parameters
    ----------
    asked : mapping of str to Scenario
        See `estimators`; the first one is what the others are compared with.
    policies : sequence of str
        Registered names; the scenario's own keeps its parameters.
    replications : int
        The scenario's seed, the next number, …
    progress : callable, optional
        Called with the share of the work done, 0 to 1; what it raises ends the experiment.

    Returns
    -------
    DataFrame
        policy, estimate, tau (Kendall's τ-b of estimated and actual lengths of who finished, mean
        over the replications), measure (of `MEASURES`), value, low, high: the mean over the
        replications with its 95 % interval; change, change_low, change_high: relative to the first
        estimate, paired by replication (Student's t); pairs. Goodput is that of requests that met
        their tenant's SLO, NaN where nobody has one.

    Raises
    ------
    InputError
        When no policy is named, a name is not registered, or a run cannot be made.
    """
    if not policies:
        raise InputError(f"policies must name at least one of {', '.join(POLICIES)}, got none")
    rows: list[dict[str, Any]] = []
    today: dict[tuple[str, str], list[float]] = {}
    for place, (estimate, variant) in enumerate(asked.items()):
        variants = {name: with_policy(variant, name) for name in dict.fromkeys(policies)}
        told = None if progress is None else part(progress, place, len(asked))
        ensemble = run_ensemble(variants, replications, progress=told)
        ranked = {name: float(np.mean([*map(_tau, runs)])) for name, runs in ensemble.runs.items()}
        for policy, measure, values in _measured(ensemble):
            before = today.setdefault((policy, measure), values)
            mean, low, high = mean_interval(values)
            change = paired_change(before, values)
            row = {"policy": policy, "estimate": estimate, "tau": ranked[policy]}
            row |= {"measure": measure, "value": mean, "low": low, "high": high}
            row |= {"change": change.mean, "change_low": change.low, "change_high": change.high}
            rows.append(row | {"pairs": change.n})
    return pd.DataFrame(rows)


def _measured(ensemble: Ensemble) -> Iterator[tuple[str, str, list[float]]]:
    """Each policy's measures, one value a replication; NaN where nothing finished."""
    for policy, runs in ensemble.runs.items():
        found: dict[str, list[float]] = {name: [] for name in MEASURES}
        for run in runs:
            latency = run.latency("e2e_s")
            latency = latency[~np.isnan(latency)]
            ends = np.quantile(latency, (0.5, 0.99)) if len(latency) else (np.nan, np.nan)
            counts = slo_counts(ensemble.scenarios[policy], run)
            all_counts = np.r_[counts[:-1].sum(axis=1), counts[-1, 0]]
            goodput = slo_rates(all_counts[None])["request_goodput"][0]
            mean = latency.mean() if len(latency) else np.nan
            for name, value in zip(MEASURES, (mean, *ends, goodput), strict=True):
                found[name].append(float(value))
        for name, values in found.items():
            yield policy, name, values


def _tau(run: RunArrays) -> float:
    """Kendall's τ-b of estimated and actual lengths; 0 where all estimates are equal."""
    from scipy.stats import kendalltau  # half a second to import

    done = run.has_status("finished")
    guess, actual = run.outcomes.estimated_output_tokens[done], run.budgets.output_length[done]
    return float(np.nan_to_num(kendalltau(guess, actual).statistic))


def pays(table: pd.DataFrame, policy: str, measure: str = "mean_s") -> str:
    """Say in a sentence whether a better predictor would pay under a policy.

    Parameters
    ----------
    table : DataFrame
        From `worth`.
    policy, measure : str
        Of its columns.
    """
    mine = table[(table["policy"] == policy) & (table["measure"] == measure)]
    found = {
        estimate: PairedChange(change, low, high, int(pairs))
        for estimate, change, low, high, pairs in mine[
            ["estimate", "change", "change_low", "change_high", "pairs"]
        ].itertuples(index=False, name=None)
    }
    if ORACLE not in found:
        return "Today's estimates are perfect: no predictor is better."
    best, label, what = found[ORACLE], POLICIES[policy].label, MEASURES[measure]
    better = -1 if measure.endswith("_s") else 1
    if np.isnan(best.mean):
        return f"Under **{label}** nobody has a goal to miss: there is no {what} to compare."
    if best.low == best.high == 0:
        return f"**{label}** does not look at estimates here: a better predictor changes nothing."
    if np.isnan(best.low):
        return f"One replication cannot tell whether a better predictor pays under **{label}**."
    if not best.significant:
        between = f"{what} between {100 * best.low:+.2g} % and {100 * best.high:+.2g} %"
        return (
            f"Under **{label}** a better predictor is **not known to pay**: perfect estimates move "
            f"{between.replace('-', MINUS)}."
        )
    said = f"with perfect estimates {best.verdict(what)} than with today's"
    if best.mean * better < 0:
        return f"Under **{label}** a better predictor **would not pay**: {said}."
    today = round(mine.loc[mine["estimate"] == TODAY, "tau"].iloc[0], 2) + 0.0  # no "-0.00"
    said = f"Under **{label}** a better predictor **would pay**: {said} (Kendall's τ {today:.2f})"
    gains = {n: c for n, c in found.items() if c.significant and c.mean * better > 0}
    known = {name: change for name, change in gains.items() if name[0] not in "τσ"}
    del known[ORACLE]
    if known:
        nearest = max(known, key=lambda name: known[name].mean * better)
        said += f"; {nearest.replace('_', ' ')} brings {_amount(known[nearest])}"
    noisy = [float(name[2:]) for name in found if name.startswith("τ ")]
    enough = [tau for tau in noisy if f"τ {tau:g}" in gains]
    if enough:
        return f"{said}; τ {min(enough):g} is enough for {_amount(gains[f'τ {min(enough):g}'])}."
    return f"{said}{f'; none with noise, up to τ {max(noisy):g}, is known to' if noisy else ''}."


def _amount(change: PairedChange) -> str:
    return change.verdict("it").removeprefix("it is ")
