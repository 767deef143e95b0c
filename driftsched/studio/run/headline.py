"""One run in a line of numbers, each with its interval, and how far to trust them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st

from driftsched.experiments.compare import COMPLETED, repeat
from driftsched.results import WithinRun
from driftsched.results.metrics import metrics_table
from driftsched.results.tables import RunResult
from driftsched.results.wording import duration
from driftsched.studio.waiting import result_of

Ends = Mapping[str, tuple[float, float]]
"""Metric → the ends of its 95 % interval."""

SEEDS = 10
MOST = 500_000
"""Requests of all seeds together; more would keep a worker for too long."""
LATENCIES = {
    "p50_e2el_ms": ("e2e_s", 50.0),
    "p99_e2el_ms": ("e2e_s", 99.0),
    "p50_ttft_ms": ("ttft_s", 50.0),
}
ENDS = ("completed", "rejected", "failed", "timed_out", "cancelled")


class Card(NamedTuple):
    """A figure: its label, its metric, how it is written, and what it is."""

    label: str
    metric: str
    written: Callable[[float], str]
    explanation: str


def _milliseconds(value: float) -> str:
    return duration(value / 1e3)


CARDS = (
    Card(
        "Median latency",
        "p50_e2el_ms",
        _milliseconds,
        "Half of the requests are faster, from arrival to the last token.",
    ),
    Card(
        "P99 latency",
        "p99_e2el_ms",
        _milliseconds,
        "99 of 100 requests are faster, from arrival to the last token.",
    ),
    Card(
        "Median first token",
        "p50_ttft_ms",
        _milliseconds,
        "Time to first token (TTFT): half of the requests wait less for their answer to begin.",
    ),
    Card(
        "Throughput",
        "request_throughput",
        "{:.2f} /s".format,
        "Finished requests a second, over the whole run.",
    ),
    Card("Finished", COMPLETED, "{:.0%}".format, "Of {submitted:.0f} requests: {ends}."),
)
ENERGY = (
    Card(
        "Energy, 1000 tokens",
        "energy_per_1000_tokens_j",
        "{:.3g} J".format,
        "For 1000 tokens, input and output: {energy_per_request_j:.3g} J a request, "
        "{mean_power_w:.0f} W on average. The GPUs alone.",
    ),
    Card(
        "Cost",
        "cost_per_million_tokens",
        "{:.3g}".format,
        "For a million tokens, input and output; {total_cost:.3g} for the run's {gpu_hours:.3g} "
        "GPU hours, in the currency of the price.",
    ),
)
SHOWN = tuple(card.metric for card in (*CARDS, *ENERGY))
"""Metrics of all cards."""


def how_sure(explanation: str) -> None:
    """Fold away what the intervals are, and by whose method."""
    with st.expander("How sure?", icon=":material/help:"):
        st.caption(explanation)


def headline(result: RunResult, ends: Ends, whose: str = "", tenant: str = "") -> None:
    """Draw latencies, throughput, how the requests ended, and energy where it is known.

    `ends` are those of each metric's 95 % interval, as far as they are known; `whose` says, before
    them, what they are of where that is not this very run. With `tenant` the figures are its own.
    """
    summary = _figures(result, tenant)
    cards = [*CARDS, *(card for card in ENERGY if not math.isnan(summary[card.metric]))]
    with st.container(horizontal=True, gap="small"):
        for card in cards:
            value = summary[card.metric]
            st.metric(
                card.label,
                "–" if math.isnan(value) else card.written(value),
                _interval(card, ends, whose),
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
                help=card.explanation.format(**summary, ends=_how_ended(summary)),
            )


def _figures(result: RunResult, tenant: str) -> dict[Any, Any]:
    metrics = result.scenario.metrics.model_copy(update={"percentiles": (50.0, 99.0)})
    scenario = result.scenario.model_copy(update={"metrics": metrics})
    table = metrics_table(replace(result, scenario=scenario))
    mine = (table["scope"] == "tenant") & (table["name"] == tenant) if tenant else slice(1)
    summary: dict[Any, Any] = table[mine].iloc[0].to_dict()
    submitted, completed = summary["submitted"], summary["completed"]
    return summary | {COMPLETED: completed / submitted if submitted else math.nan}


def _how_ended(summary: Mapping[Any, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {summary[name]:.0f}" for name in ENDS if summary[name]
    )


def _interval(card: Card, ends: Ends, whose: str) -> str | None:
    low, high = ends.get(card.metric, (math.nan, math.nan))
    if math.isnan(low) or math.isnan(high):
        return None
    if low == high:
        return f"{whose}the same"
    if math.isinf(high):
        return f"{whose}over {card.written(low)}"
    return f"{whose}{card.written(max(low, 0.0))} – {card.written(high)}"


def over_seeds(result: RunResult, tenant: str = "") -> tuple[Ends, str]:
    """Intervals of a simulated run's figures, and a sentence that says what they are.

    The scenario is run with nine more seeds by the pool; a progress bar stands here until then.
    """
    if len(result.requests) * SEEDS > MOST:
        return within(result, tenant)
    scenario, steady = result.scenario, _alone(result, tenant).remark
    found = result_of(repeat, (scenario, SEEDS, SHOWN, tenant), slot="run-seeds")
    if found is None:
        return {}, f"{SEEDS - 1} more replications tell how far to trust the figures."
    last = scenario.seed + SEEDS - 1
    return {name: (low, high) for name, (_, low, high) in found.items()}, (
        f"Below each figure: the 95 % interval over {SEEDS} replications, seeds {scenario.seed} to "
        f"{last} (percentiles: "
        "Woodruff's, of all requests together; the rest: Student's t). This run is one of "
        f"them, and may lie outside. {steady}"
    )


def within(result: RunResult, tenant: str = "") -> tuple[Ends, str]:
    """Intervals of the latencies that one run allows by itself, and a sentence about them."""
    run = _alone(result, tenant)
    found = {name: run.latency(*which) for name, which in LATENCIES.items()}
    return {name: (1e3 * one.low, 1e3 * one.high) for name, one in found.items()}, run.remark


def _alone(result: RunResult, tenant: str) -> WithinRun:
    requests = result.requests
    return WithinRun(requests[requests["tenant"] == tenant] if tenant else requests)
