"""The published claims, each with what the runs gave and why it comes out so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from driftsched.experiments.verdicts import (
    NEAR_POINTS,
    Interval,
    Row,
    claims_frame,
    figure,
    percent,
)
from driftsched.results import PairedChange, mean_interval

if TYPE_CHECKING:
    from driftsched.experiments.compare import Comparison
    from driftsched.scenario import Scenario

__all__ = ["DRIFT_PERCENT", "PUBLISHED", "RATIO", "Evidence", "claims_table", "shown"]

PUBLISHED = {"mae": -38.8, "rmse": -40.5, "p50": -42.0, "p99": -16.0}
"""Published changes in percent: errors by compensation, latencies under SJF against FIFO."""
DRIFT_PERCENT = 5.0
"""A category drifts when its answers are on average this far off their base length."""
NEAR_ONE_PERCENT = 10.0
RATIO = "ratio_"
"""Begins the findings' columns with each category's mean of actual over base length."""


@dataclass(frozen=True)
class Evidence:
    """What the claims are judged by.

    Attributes
    ----------
    comparison : Comparison
        FIFO and SJF, both with the paper's correction.
    correction : PairedChange
        SJF's median latency with the correction against without.
    findings : DataFrame
        Rows of `findings`.
    """

    comparison: Comparison
    correction: PairedChange
    findings: pd.DataFrame

    @property
    def scenario(self) -> Scenario:
        """The experiment as it was run."""
        return self.comparison.scenario

    def fact(self, name: str, variant: str = "fifo") -> Interval:
        """Mean over the seeds of a finding, with its 95 % interval."""
        rows = self.findings[self.findings["variant"] == variant]
        return mean_interval(rows[name].to_numpy(np.float64))


def claims_table(evidence: Evidence) -> pd.DataFrame:
    """Judge every claim.

    Returns
    -------
    DataFrame
        claim, published_percent (NaN where the paper states no figure), ours_percent, low, high
        (95 % interval over the seeds), holds, explanation.
    """
    rows = [
        _error("mae", "mean absolute error (MAE)", evidence),
        _error("rmse", "root mean square error (RMSE)", evidence),
        _latency("p50_e2el_ms", "median", evidence),
        _latency("p99_e2el_ms", "P99", evidence),
        _drift(evidence),
        _policy_over_correction(evidence),
        _tokens_near_one(evidence),
    ]
    return claims_frame(rows)


def _error(measure: str, words: str, evidence: Evidence) -> Row:
    published, comparison = PUBLISHED[measure], evidence.comparison
    ours = comparison.error_change(measure)
    unit = evidence.scenario.estimator.unit
    before, after = (comparison.error_interval(measure, name) for name in ("none", "ema"))
    least, most = _ratios(evidence)
    text = (
        f"Answers are between {shown(least, '.2f')} and {shown(most, '.2f')} of their category's "
        f"base length, counted in {unit}; compensation learns that ratio, and the error goes from "
        f"{shown(before, '.0f')} to {shown(after, '.0f')} {unit}."
    )
    gap = 100 * ours.mean - published
    if gap < -NEAR_POINTS:
        text += _more(evidence)
    elif gap > NEAR_POINTS:
        text += (
            " That is less than was published: the ratio is near 1 from the start, so there is "
            "little to learn."
        )
    even = evidence.fact(f"{measure}_change")
    if even[0] < ours.mean - 0.02:
        factors = dict.fromkeys(tenant.safety_factor for tenant in evidence.scenario.tenants)
        listed = ", ".join(f"{factor:g}" for factor in factors)
        text += (
            f" The tenants' safety factors ({listed}) are outside the feedback and stay as error; "
            f"were all of them 1, the change would be {shown(even, '+.0%')}."
        )
    return figure(
        f"Compensation lowers the {words} of length estimates", published, percent(ours), text
    )


def _more(evidence: Evidence) -> str:
    """Why more can be learned here than was published."""
    start = " That is more than was published"
    if evidence.scenario.estimator.unit == "tokens":
        return f"{start}."
    words = [category.words_per_token for category in evidence.scenario.categories]
    return (
        f"{start}: it hangs on the words a token, which the paper does not state and which "
        f"are assumed ({min(words):g} to {max(words):g}); the more of them, the nearer answers are "
        "to their base length from the start, and the less there is to learn."
    )


def _latency(metric: str, words: str, evidence: Evidence) -> Row:
    published = PUBLISHED[metric.partition("_")[0]]
    ours = evidence.comparison.change(metric, "sjf", "fifo")
    tail = metric.startswith("p99")
    text = _gangs(evidence) if evidence.scenario.engine.mode == "gang" else _no_gangs(evidence)
    if not tail:
        text += _tiers(evidence)
    elif evidence.scenario.engine.mode == "gang":
        text += " That is where the gain at the tail comes from: the last ones end sooner."
    elif ours.mean > -0.05:
        text += (
            " The long requests go last and pay for the short ones; the published gain at P99, "
            "which comes from gangs of like lengths, is not there."
        )
    return figure(f"SJF's {words} latency is below FIFO's", published, percent(ours), text)


def _gangs(evidence: Evidence) -> str:
    fifo, sjf = (shown(evidence.fact("slot_use", name), ".0%") for name in ("fifo", "sjf"))
    return (
        "A gang ends when its longest answer does. Under SJF its requests are more alike: "
        f"{sjf} of its places give a token at a step, {fifo} under FIFO, and the whole run is "
        f"{_longer(evidence)}."
    )


def _no_gangs(evidence: Evidence) -> str:
    return (
        "With continuous batching nobody waits for the longest of a gang, so the order changes who "
        f"waits but hardly how long the work takes: the whole run is {_longer(evidence)}."
    )


def _longer(evidence: Evidence) -> str:
    """How much longer or shorter the run is under SJF."""
    found = evidence.comparison.change("duration", "sjf", "fifo")
    side = "shorter" if found.mean < 0 else "longer"
    turned = (found.high, found.low) if found.mean < 0 else (found.low, found.high)
    sign = -1 if found.mean < 0 else 1
    amount = (abs(found.mean), sign * turned[0], sign * turned[1])
    return f"{shown(amount, '.0%' if abs(found.mean) >= 0.1 else '.1%')} {side}"


def _tiers(evidence: Evidence) -> str:
    """What the safety factors make of the tiers under SJF."""
    tenants = sorted(evidence.scenario.tenants, key=lambda tenant: -tenant.safety_factor)
    long, short = tenants[0], tenants[-1]
    if long.safety_factor == short.safety_factor:
        return ""
    comparison = evidence.comparison
    slow, fast = (
        comparison.estimate("sjf", "p50_e2el_ms", scope="tenant", name=t.name)
        for t in (long, short)
    )
    turned = long.rank < short.rank and slow.value > fast.value
    slow_s, fast_s = (shown((one.value, one.low, one.high), ".0f") for one in (slow, fast))
    return (
        f" The budgets of {long.name} are multiplied by {long.safety_factor:g} and those of "
        f"{short.name} by {short.safety_factor:g}, so under SJF the median is {slow_s} s for "
        f"{long.name} and {fast_s} s for {short.name}"
        + (": the tiers are turned upside down." if turned else ".")
    )


def _drift(evidence: Evidence) -> Row:
    names = [name for name in evidence.findings.columns if str(name).startswith(RATIO)]
    drifts = {str(name).removeprefix(RATIO): _off(evidence.fact(str(name))) for name in names}
    seen = {name: drift for name, drift in drifts.items() if math.isfinite(drift[0])}
    mean, low, high = min(seen.values(), key=lambda drift: abs(drift[0]))
    holds = abs(mean) >= DRIFT_PERCENT and (low > 0 or high < 0)
    listed = ", ".join(f"{name} {shown(drift, '+.0f')} %" for name, drift in seen.items())
    unit = evidence.scenario.estimator.unit
    text = (
        f"Mean answer length against the category's base, in {unit}: {listed}. Shown is the least; "
        f"from {DRIFT_PERCENT:g} % on it counts as drift."
    )
    if not holds:
        text += " Counted like this, not every category drifts."
    return "Lengths drift in every category", float("nan"), mean, low, high, holds, text


def _policy_over_correction(evidence: Evidence) -> Row:
    policy = evidence.comparison.change("p50_e2el_ms", "sjf", "fifo")
    correction = evidence.correction
    mean, low, high = (100 * x for x in (correction.mean, correction.low, correction.high))
    least = min(abs(policy.low), abs(policy.high)) if policy.significant else 0.0
    holds = least > max(abs(correction.low), abs(correction.high))
    doubt = "" if correction.significant else ", which cannot be told from none"
    text = (
        "SJF instead of FIFO changes the median latency by "
        f"{shown((policy.mean, policy.low, policy.high), '+.0%')}; correcting SJF's estimates "
        f"changes it by {shown((mean, low, high), '+.1f')} %{doubt}. SJF needs the right order, "
        "not the right lengths, and one factor for a whole category hardly changes the order."
    )
    claim = "The scheduler matters more than compensation (shown: what it does to SJF's median)"
    return claim, float("nan"), mean, low, high, holds, text


def _tokens_near_one(evidence: Evidence) -> Row:
    mean, low, high = _off(evidence.fact("token_ratio"))
    counted = _off(evidence.fact("counted_ratio"))
    holds = max(abs(low), abs(high)) <= NEAR_ONE_PERCENT
    text = (
        f"Counted in tokens, answers are on average {shown((mean, low, high), '+.1f')} % off their "
        f"base length; within {NEAR_ONE_PERCENT:g} % the bias counts as near 1."
    )
    if evidence.scenario.estimator.unit == "words":
        text += f" The same answers counted in words are {shown(counted, '+.0f')} % off."
        if 0 <= mean / (counted[0] or np.inf) < 1:
            text += f" So {shown(_by_unit(evidence), '.0%')} of the drift is the unit."
    claim = "Counted in tokens the bias stays near 1"
    return claim, float("nan"), mean, low, high, holds, text


def _off(ratio: Interval) -> Interval:
    """A ratio as percent off 1."""
    mean, low, high = (100 * (x - 1) for x in ratio)
    return mean, low, high


def _by_unit(evidence: Evidence) -> Interval:
    """Share of the drift in words that is gone when counted in tokens, over the seeds."""
    rows = evidence.findings[evidence.findings["variant"] == "fifo"]
    tokens, words = (rows[name] - 1 for name in ("token_ratio", "counted_ratio"))
    return mean_interval((1 - tokens / words).to_numpy(np.float64))


def shown(figure: Interval, form: str) -> str:
    """A figure with its interval in brackets; without, where that is not known.

    Examples
    --------
    >>> shown((0.62, 0.6, 0.64), ".0%"), shown((3.0, np.nan, np.nan), ".1f")
    ('62% (60% to 64%)', '3.0')
    """
    value, low, high = figure
    if math.isnan(low) or math.isnan(high):
        return format(value, form)
    ends = ["…" if math.isinf(end) else format(end, form) for end in (low, high)]
    return f"{format(value, form)} ({ends[0]} to {ends[1]})"


def _ratios(evidence: Evidence) -> tuple[Interval, Interval]:
    """The least and the greatest mean of actual over base length of any category."""
    names = [str(name) for name in evidence.findings.columns if str(name).startswith(RATIO)]
    known = [fact for fact in map(evidence.fact, names) if math.isfinite(fact[0])]
    return min(known), max(known)
