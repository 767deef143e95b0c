"""The answer to a scenario's question in one sentence, and the numbers that it is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from driftsched.experiments.recovery import recovery
from driftsched.results.statistics import latency_verdict
from driftsched.results.wording import duration, joined, with_interval
from driftsched.scheduling.policies import POLICIES

if TYPE_CHECKING:
    from driftsched.experiments.figures import Figures
    from driftsched.experiments.recovery import Recovery
    from driftsched.results import PairedChange
    from driftsched.scenario import About

__all__ = ["Answer", "answer", "largest_gaps", "learnt", "payers", "recovered"]

SHORT = {
    "e2e_s": "",
    "ttft_s": "first token ",
    "tpot_s": "time per token ",
    "queue_wait_s": "queue wait ",
}
NAMES = ["policy", "group", "metric", "percentile", "before_s", "value_s"]

MOST_TOLD = 20
"""Tens of replications: to ask for more is to ask for a difference that hardly matters."""
MOST_CHANGE = 10.0
"""Of a larger one an interval says no more than that."""


@dataclass(frozen=True)
class Answer:
    """What can be said, and of what.

    Attributes
    ----------
    text : str
        One or two sentences; policies stand between two stars.
    rows : DataFrame
        A row a figure that was looked at: policy, group (tenants), metric, percentile, before_s,
        value_s, change, low, high (relative, with its 95 % interval).
    """

    text: str
    rows: pd.DataFrame


class _Told:
    """Figures as they are looked at, with those of the first policy or of the alternative."""

    def __init__(self, figures: Figures, before: Figures | None, level: float) -> None:
        self.figures, self.before, self.level = figures, before, level
        self.rows: list[tuple[object, ...]] = []

    def change(
        self, policy: str, metric: str, name: str, split: str = "focus", group: int = 0
    ) -> tuple[PairedChange, str]:
        """How a figure differs, and in words: "39.0 → 10.0 s, 72–76 % faster"."""
        now, before, level = self.figures, self.before, self.level
        (change,) = now.changes(policy, metric, [level], split, group, before)
        first = now.pool(now.ensemble.policies[0], metric, split, group)
        if before is not None:
            first = before.pool(policy, metric, split, group)
        ends = (first.percentile(level), now.pool(policy, metric, split, group).percentile(level))
        values = [one.value for one in ends]
        self.rows.append(
            (policy, name, metric, level, *values, change.mean, change.low, change.high)
        )
        verdict = latency_verdict(change)
        if not change.significant and not math.isnan(change.low):
            sides = _percent(change.low), _percent(change.high)
            verdict = "the same" if {*sides} <= {"−0 %", "+0 %"} else " to ".join(sides)
        return change, f"{_arrow(*values)}, {verdict}"


def answer(
    figures: Figures,
    before: Figures | None,
    about: About,
    *,
    policy: str,
    whom: str,
    metric: str,
    level: float,
    alternative: str,
) -> Answer:
    """Answer a scenario's question from what is shown.

    Parameters
    ----------
    figures : Figures
        Those whom it concerns are its focus.
    before : Figures, optional
        Of the alternative that it is compared with; without it policies are compared.
    about : About
        What the question is about.
    policy : str
        Under which it is compared with the alternative.
    whom, alternative : str
        What those in focus, and what is compared with, are called.
    metric, level : str and float
        Latency and percentile that are shown.
    """
    told = _Told(figures, before, level)
    if about.recovery:
        parts = [recovered(recovery(figures.ensemble, policy))]
    elif before is not None:
        parts = _against(told, policy, whom, metric, alternative, about.price or metric)
    else:
        parts = _policies(told, whom, metric, about.price or metric)
    if about.correction:
        parts.append(_correction(figures, policy))
    text = " ".join(part for part in parts if part)
    return Answer(text, pd.DataFrame(told.rows, columns=[*NAMES, "change", "low", "high"]))


def _what(told: _Told, metric: str) -> str:
    return f"P{told.level:g} {SHORT[metric]}"


def _policies(told: _Told, whom: str, metric: str, price: str) -> list[str]:
    """Which policy is best for those in focus, beside the first one, and who pays."""
    figures, what = told.figures, _what(told, metric)
    found = {
        name: figures.pool(name, metric, "focus").percentile(told.level)
        for name in figures.ensemble.policies
        if len(figures.pool(name, metric, "focus"))
    }
    if not found:
        return [f"Of {whom} nobody finished: there is no latency to compare."]
    first, *others = found
    base, one = _label(first), found[first]
    if not others or first != figures.ensemble.policies[0]:
        ends = "" if math.isnan(one.low) else f" ({duration(one.low)} – {duration(one.high)})"
        return [f"**{base}** alone: {what}{duration(one.value)}{ends} for {whom}."]
    best = min(others, key=lambda name: found[name].value)
    change, said = told.change(best, metric, whom)
    if not change.significant:
        unsure = f"**No policy** is told to serve {whom} faster than {base}: {what}{said}"
        return [f"{unsure} under {_label(best)}.{_needed(change)}"]
    if change.mean > 0:
        rest = (
            f"{what}{duration(one.value)}; the next, {_label(best)}, is {latency_verdict(change)}"
        )
        return [f"**{base}** serves {whom} fastest: {rest}."]
    verb = "protects" if figures.who else "is fastest for"
    told_best = f"**{_label(best)}** {verb} {whom}: {what}{said} than {base}."
    return [told_best, _payers(told, best, price)]


def _against(
    told: _Told, policy: str, whom: str, metric: str, alternative: str, price: str
) -> list[str]:
    """How those in focus fare beside the alternative, and who pays where it helps them."""
    change, said = told.change(policy, metric, whom)
    start = f"Against {alternative}, for {whom} under **{_label(policy)}**"
    sure = change.significant or math.isnan(change.low)
    more = "" if sure else _needed(change)
    start += ":" if sure else " **no difference** can be told:"
    pays = _payers(told, policy, price) if change.high < 0 and told.figures.who else ""
    return [f"{start} {_what(told, metric)}{said}.{more}", pays]


def _needed(change: PairedChange) -> str:
    """How many replications would tell a difference as large, where that can be had."""
    tens = math.ceil(change.needed / 10) if math.isfinite(change.needed) else MOST_TOLD
    return f" About {10 * tens} replications would tell one as large." if tens < MOST_TOLD else ""


def _payers(told: _Told, policy: str, metric: str) -> str:
    """Which tenants, beside those in focus, are told to be slower."""
    names, who = told.figures.names("tenant"), told.figures.who
    found = []
    for place, name in enumerate(names):
        if place not in who:
            change, said = told.change(policy, metric, name, "tenant", place)
            if change.low > 0:
                found.append((change.mean, name, said))
    if not found:
        return "No tenant is told to pay." if len(names) > max(len(who), 1) else ""
    (_, name, said), *others = sorted(found, reverse=True)
    name, said = name[:1].upper() + name[1:], f"{_what(told, metric)}{said}"
    if not others:
        return f"{name} pays: {said}."
    more = f"{len(others)} others" if len(others) > 2 else joined([one for _, one, _ in others])
    return f"{name} pays most: {said}; {more} too."


def _correction(figures: Figures, policy: str) -> str:
    if figures.ensemble.scenario.estimator.compensator.kind in ("none", "oracle"):
        return ""
    change = figures.error_change(policy)
    words = latency_verdict(change).replace("faster", "smaller").replace("slower", "larger")
    return f"Compensation: length error {words}." if words else ""


def recovered(found: Recovery | None) -> str:
    """Say how soon estimates are right again."""
    if found is None:
        return "Nothing drifts here: set a drift to see how soon it is learnt."
    if math.isnan(found.onset_s):
        return f"The drift, {found.label}, begins after the last request."
    start = f"Estimates are **back within 10 %** of where they were before “{found.label}”"
    if found.requests == 0:
        return f"Estimates **never leave 10 %** of where they were before “{found.label}”."
    if math.isinf(found.requests):
        return start.replace("are **back", "are **not back", 1) + (
            f" in the {found.of} requests that follow."
        )
    ends = "" if found.low == found.high else f" ({found.low:.0f}–{found.high:.0f})"
    ends = ends.replace("–inf", " or more")
    return f"{start} after {found.requests:.0f} requests{ends}, {duration(found.after_s)} later."


def learnt(figures: Figures, policy: str) -> str:
    """Say how soon estimates are right again, and how large their error is, under a policy."""
    errors = {str(row["compensator"]): row for row in figures.errors(policy).to_dict("records")}
    estimator, ends = figures.ensemble.scenario.estimator, ("mae", "low", "high")
    kind = estimator.compensator.kind
    error = f"Length error {with_interval(*(errors[kind][end] for end in ends))} {estimator.unit}"
    if kind not in ("none", "oracle"):
        error += f", without compensation {with_interval(*(errors['none'][end] for end in ends))}"
    said = recovered(recovery(figures.ensemble, policy))
    return f"{said} {error}, under {_label(policy)}."


def payers(found: pd.DataFrame) -> str:
    """Say of each policy whom it makes slower, and whom it makes faster most.

    Parameters
    ----------
    found : DataFrame
        From `Figures.percentiles` by tenant, one level, compared.
    """
    first = str(found["policy"].iloc[0])
    beside = _label(first) if found.loc[found["policy"] == first, "change"].isna().all() else ""
    pay: list[str] = []
    gain: list[str] = []
    for policy, mine in found.groupby("policy", sort=False, observed=True):
        if policy == first and beside:
            continue
        slower = mine[mine["change_low"] > 0].sort_values("change", ascending=False)
        faster = mine[mine["change_high"] < 0].sort_values("change").head(1)
        for said, rows in ((pay, slower), (gain, faster)):
            who = [" ".join(pair) for pair in zip(rows["group"], rows["verdict"], strict=True)]
            said.append(f"**{_label(str(policy))}** {', '.join(who) or 'nobody'}")
    if not pay:
        return "Who pays, and who gains: choose a second policy."
    start = f"Who pays, against {beside or 'the baseline'}: {'; '.join(pay)}."
    return f"{start} Who gains most: {'; '.join(gain)}."


def largest_gaps(shares: pd.DataFrame, former: pd.DataFrame | None) -> dict[str, str]:
    """Policy → its largest service gap, and before it that of the former: "9 ±1 k"."""
    said: dict[str, str] = {}
    for part in (former, shares):
        for policy, mine in () if part is None else part.groupby("policy", observed=True):
            value, low, high = mine[["gap_tokens", "gap_low", "gap_high"]].iloc[0] / 1000
            half = f" ±{(high - low) / 2:.2g}" if math.isfinite(high) else ""
            before = f"{said[str(policy)]}<br>→ " if str(policy) in said else ""
            said[str(policy)] = f"{before}{value:.3g}{half} k"
    return said


def _arrow(first: float, other: float) -> str:
    """Two durations, the unit once where they share it: 39.0 → 10.0 s."""
    one, two = duration(first), duration(other)
    (number, *unit), last = one.split(" "), two.split(" ")[1:]
    return f"{number if unit == last else one} → {two}"


def _percent(share: float) -> str:
    if share > MOST_CHANGE:
        return f"over +{100 * MOST_CHANGE:,.0f} %"
    return f"{100 * share:+.0f} %".replace("-", "−")


def _label(policy: str) -> str:
    return POLICIES[policy].label
