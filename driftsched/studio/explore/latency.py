"""How long requests take: curves and a table of percentiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from driftsched.charts import latency_cdf
from driftsched.errors import InputError
from driftsched.results.metrics import percentile_columns
from driftsched.studio.downloads import csv_button
from driftsched.studio.show import chart
from driftsched.studio.state import Key
from driftsched.studio.words import METRICS, policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Comparison

__all__ = ["latency", "parse_percentiles", "percentile_table"]

SPLITS = {"overall": "All requests", "tenant": "By tenant", "category": "By category"}


@st.fragment
def latency(comparison: Comparison) -> None:
    """Draw the latency curves of all policies and the percentiles that the user names."""
    st.subheader("Latency", anchor="latency")
    metric = st.segmented_control(
        "Measure",
        list(METRICS),
        key=Key.METRIC,
        bind="query-params",
        default="e2e_s",
        required=True,
        format_func=lambda name: METRICS[name][0],
        help="\n".join(f"- **{label}**: {meaning}" for label, meaning in METRICS.values()),
    )
    requests = {policy: run.requests for policy, run in comparison.first.items()}
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = latency_cdf.latency_cdf(requests, str(metric))
        chart(figure, latency_cdf.LOOK_AT, _long(requests, str(metric)), "latency")
    with right:
        _percentiles(comparison, requests, str(metric))


def _percentiles(comparison: Comparison, requests: Mapping[str, pd.DataFrame], metric: str) -> None:
    split = st.selectbox(
        "Percentiles",
        list(SPLITS),
        key=Key.SPLIT,
        bind="query-params",
        format_func=SPLITS.__getitem__,
        help="Over all requests, or for each tenant or category on its own.",
    )
    text = st.text_input(
        "Which",
        ", ".join(f"{p:g}" for p in comparison.scenario.metrics.percentiles),
        key=Key.PERCENTILES,
        bind="query-params",
        help="Any numbers between 0 and 100. P99 = 99: 99 of 100 requests are at least as fast.",
    )
    try:
        table = percentile_table(requests, metric, split, parse_percentiles(text))
    except InputError as error:
        st.warning(str(error), icon=":material/edit:")
        return
    shown = table.assign(policy=table["policy"].map(policy_label))
    shown.columns = [name.capitalize() for name in shown.columns]
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(f"{name} (s)", format="%.2f")
            for name in shown.columns
            if name.startswith("P") and name != "Policy"
        },
    )
    csv_button(table, f"percentiles-{metric}", "percentiles-csv")


def parse_percentiles(text: str) -> list[float]:
    """Read percentiles from text such as ``50, 90 99.9``, ascending, each once.

    Raises
    ------
    InputError
        Where something is no number between 0 and 100, or there are none or more than 12.
    """
    words = text.replace(",", " ").replace(";", " ").split()
    numbers: set[float] = set()
    for word in words:
        try:
            number = float(word.lstrip("pP"))
        except ValueError:
            number = float("nan")
        if not 0 < number < 100:
            raise InputError(f"A percentile must be a number between 0 and 100, got {word[:20]!r}.")
        numbers.add(number)
    if not 1 <= len(numbers) <= 12:
        raise InputError(f"Name 1 to 12 percentiles, got {len(numbers)}.")
    return sorted(numbers)


def percentile_table(
    requests: Mapping[str, pd.DataFrame], metric: str, split: str, percentiles: Sequence[float]
) -> pd.DataFrame:
    """Percentiles in seconds, a row a policy and group: policy, [tenant or category], P50 …."""
    rows = []
    for policy, frame in requests.items():
        groups = [("", frame)] if split == "overall" else frame.groupby(split, observed=True)
        for name, group in groups:
            found = percentile_columns(group[metric].to_numpy(), metric, percentiles)
            row: dict[str, object] = {"policy": policy}
            if split != "overall":
                row[split] = name
            rows.append(
                row | {f"P{p:.10g}": found[f"p{p:.10g}_{metric}_ms"] / 1e3 for p in percentiles}
            )
    return pd.DataFrame(rows)


def _long(requests: Mapping[str, pd.DataFrame], metric: str) -> pd.DataFrame:
    columns = ["request_id", "tenant", "category", metric]
    return pd.concat([f[columns].assign(policy=policy) for policy, f in requests.items()])
