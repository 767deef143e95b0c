"""The answer in a line of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.results.statistics import latency_verdict
from driftsched.studio.words import between, duration, grouped, policy_label, with_interval

if TYPE_CHECKING:
    from driftsched.experiments import Figures
    from driftsched.results import PairedChange

__all__ = ["headline", "pair"]


def headline(figures: Figures) -> None:
    """Draw median and P99 of one policy beside the first one's, and what correction is worth."""
    base, other = pair(figures)
    left, right = st.columns(2, gap="small")
    with left:
        _latency(figures, base, other, 50.0, "Median")
    with right:
        _latency(figures, base, other, 99.0, "P99")
    left, right = st.columns(2, gap="small")
    with left:
        _error(figures)
    with right:
        _ends(figures)


def pair(figures: Figures) -> tuple[str, str]:
    """Which two policies to set against each other: the first one, and SJF or the fastest.

    Returns
    -------
    tuple of str
        The one to compare with, and the other; the same twice where there is only one.
    """
    base, *others = figures.ensemble.policies
    if "sjf" in others or not others:
        return base, "sjf" if others else base
    return base, min(
        others, key=lambda name: (figures.pool(name, "e2e_s").percentile(50).value, name)
    )


def _latency(figures: Figures, base: str, other: str, percentile: float, name: str) -> None:
    found = figures.pool(other, "e2e_s").percentile(percentile)
    change = figures.changes(other, "e2e_s", [percentile])[0] if base != other else None
    faster = "half of" if percentile == 50 else "99 of 100"
    _card(
        f"{name} latency, {policy_label(other)}",
        duration(found.value),
        f"{latency_verdict(change) or '–'} against {policy_label(base)}" if change else None,
        between(found.low, found.high),
        f"End to end, from arrival to the last token. {name}: {faster} the requests are faster. "
        "Below it the 95 % interval, and the difference between the two policies on the same "
        "requests.",
        change,
    )


def _card(
    label: str,
    value: str,
    change_in_words: str | None,
    below: str | None,
    explanation: str,
    change: PairedChange | None,
) -> None:
    """A figure, its change (coloured where it is significant), and what stands below it."""
    clear = change is not None and change.significant
    less = change is not None and change.mean < 0
    st.metric(
        label,
        value,
        change_in_words,
        delta_color=("green" if less else "red") if clear else "off",
        delta_arrow=("down" if less else "up") if clear else "off",
        delta_description=below,
        border=True,
        height="stretch",
        help=explanation,
    )


def _error(figures: Figures) -> None:
    errors = {str(row["compensator"]): row for row in figures.errors().to_dict("records")}
    unit = figures.ensemble.scenario.estimator.unit
    kind = figures.ensemble.scenario.estimator.compensator.kind
    found = errors[kind]
    change = figures.error_change() if kind not in ("none", "oracle") else None
    label = kind.upper() if kind == "ema" else kind.replace("_", " ").title()
    _card(
        f"Length error, {label if kind != 'none' else 'no correction'}",
        f"{found['mae']:.3g} {unit}",
        _smaller(change) if change else None,
        None if kind == "oracle" else f"{found['low']:.4g} – {found['high']:.4g}",
        "How far the estimated answer length is off on average (mean absolute error, MAE), under "
        "all policies together, with its 95 % interval. Without correction: "
        f"{with_interval(*(errors['none'][end] for end in ('mae', 'low', 'high')))} {unit}.",
        change,
    )


def _smaller(change: PairedChange) -> str:
    words = latency_verdict(change).replace("faster", "less").replace("slower", "more")
    return f"{words or '–'} against no correction"


def _ends(figures: Figures) -> None:
    ensemble, goals = figures.ensemble, figures.goals()
    lost = goals[["unfinished", "unfinished_low", "unfinished_high"]].to_numpy()
    worst = int(lost[:, 0].argmax())
    policy = policy_label(ensemble.policies[worst])
    most = with_interval(*lost[worst])
    st.metric(
        "Requests",
        grouped(ensemble.requests),
        f"up to {most} not finished, {policy}" if lost[worst, 0] else "all finished",
        delta_color="red" if lost[worst, 0] else "off",
        delta_arrow="off",
        delta_description=f"{len(ensemble.seeds)} replications, {len(ensemble.policies)} policies",
        border=True,
        height="stretch",
        help="Each policy serves the same requests, in each replication others. Not finished: "
        "rejected, failed, timed out or cancelled; the mean over the replications, and in brackets "
        "its 95 % interval (Student's t).",
    )
