"""One run in a line of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.results.energy import energy_summary
from driftsched.results.metrics import summarise
from driftsched.studio.words import duration

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult

__all__ = ["headline"]

ENDS = ("completed", "rejected", "failed", "timed_out", "cancelled")


def headline(result: RunResult) -> None:
    """Draw latencies, throughput and how the requests ended."""
    scenario = result.scenario.model_copy(
        update={"metrics": result.scenario.metrics.model_copy(update={"percentiles": (50.0, 99.0)})}
    )
    summary = {
        k: float("nan") if v is None else v for k, v in summarise(result.requests, scenario).items()
    }
    submitted = summary["submitted"]
    ends = ", ".join(f"{name.replace('_', ' ')} {summary[name]}" for name in ENDS if summary[name])
    cards: tuple[tuple[str, str, str], ...] = (
        (
            "Median latency",
            duration(summary["p50_e2el_ms"] / 1e3),
            "Half of the requests are faster, from arrival to the last token.",
        ),
        (
            "P99 latency",
            duration(summary["p99_e2el_ms"] / 1e3),
            "99 of 100 requests are faster, from arrival to the last token.",
        ),
        (
            "Median first token",
            duration(summary["p50_ttft_ms"] / 1e3),
            "Time to first token (TTFT): half of the requests wait less for their answer to begin.",
        ),
        (
            "Throughput",
            f"{summary['request_throughput']:.2f} /s",
            "Finished requests a second, over the whole run.",
        ),
        (
            "Finished",
            f"{summary['completed'] / submitted:.0%}" if submitted else "–",
            f"Of {submitted} requests: {ends}.",
        ),
    )
    cards += _energy_cards(result)
    with st.container(horizontal=True, gap="small"):
        for label, value, explanation in cards:
            st.metric(label, value, border=True, height="stretch", help=explanation)


def _energy_cards(result: RunResult) -> tuple[tuple[str, str, str], ...]:
    """Energy where it is known, cost where a price is."""
    energy = energy_summary(result)
    per_1000, cost = energy["energy_per_1000_tokens_j"], energy["cost_per_million_tokens"]
    cards: list[tuple[str, str, str]] = []
    if per_1000 is not None:
        cards.append(
            (
                "Energy, 1000 tokens",
                f"{per_1000:.3g} J",
                f"For 1000 tokens, input and output: {energy['energy_per_request_j']:.3g} J a "
                f"request, {energy['mean_power_w']:.0f} W on average. The GPUs alone.",
            )
        )
    if cost is not None:
        cards.append(
            (
                "Cost",
                f"{cost:.3g}",
                f"For a million tokens, input and output; {energy['total_cost']:.3g} for the run's "
                f"{energy['gpu_hours']:.3g} GPU hours, in the currency of the price.",
            )
        )
    return tuple(cards)
