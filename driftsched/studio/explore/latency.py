"""How long requests take: curves with bands, percentiles with intervals."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.charts import latency_bands
from driftsched.charts.labels import policy_label
from driftsched.core.errors import InputError
from driftsched.experiments import Figures
from driftsched.results.wording import with_interval
from driftsched.studio.show import caption_and_csv, compared, each
from driftsched.studio.state import Key, bound, choice, get_view
from driftsched.studio.view import View
from driftsched.studio.words import plain

HOW = (
    "In brackets the 95 % interval (Woodruff's) of the percentile of all requests of all "
    "replications together. Differences are paired: each replication's requests are the same under "
    "every policy (jackknife)."
)


def latency(view: View, figures: Figures, before: Figures | None) -> None:
    """Draw the latency curves of all policies and the percentiles that the user names."""
    metric = view.metric
    curves = each(lambda one: one.curves(metric), figures, before)
    subject = (view.preset, metric, *view.who)
    compared(lambda table: latency_bands(table, metric), curves, "latency", subject)
    _percentiles(figures, before, metric)


def _percentiles(figures: Figures, before: Figures | None, metric: str) -> None:
    """Draw the table."""
    with st.container(horizontal=True, gap="medium"):
        split, text = _which(figures)
    try:
        levels = parse_percentiles(text)
    except InputError as error:
        st.warning(plain(error), icon=":material/edit:")
        return
    of = "focus" if split == "overall" else split
    table = figures.percentiles(metric, levels, of, before=before)
    st.dataframe(percentile_table(table, split), hide_index=True)
    caption_and_csv(HOW, table, f"percentiles-{metric}", "percentiles-csv")


def _which(figures: Figures) -> tuple[str, str]:
    """Draw what the percentiles are of, and which."""
    explained = "Over all in focus, or for each tenant or category on its own."
    split = choice("Percentiles", Key.SPLIT, explained, width=260)
    chosen = get_view().percentiles
    usual = ", ".join(f"{p:g}" for p in figures.ensemble.scenario.metrics.percentiles)
    text = st.text_input(
        "Which",
        **bound(Key.PERCENTILES, usual if chosen is None else chosen),
        max_chars=200,
        width=260,
        help="Any numbers between 0 and 100. P99 = 99: 99 of 100 requests are at least as fast.",
    )
    return split, text


def parse_percentiles(text: str) -> list[float]:
    """Read percentiles from text such as ``50, 90 99.9``, ascending, each once.

    Raises ``InputError`` where something is no number between 0 and 100, or none or over 12 are
    named.
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


def percentile_table(found: pd.DataFrame, split: str) -> pd.DataFrame:
    """Percentiles as text in seconds, a row a policy and group: Policy, [Tenant …], P50 …."""
    rows = []
    for (policy, group), mine in found.groupby(["policy", "group"], sort=False, observed=True):
        row = {"Policy": policy_label(str(policy))}
        if split != "overall":
            row[split.capitalize()] = str(group)
        ends = mine[["percentile", "value_s", "low_s", "high_s"]].to_numpy().tolist()
        rows.append(row | {f"P{p:.10g}": with_interval(*figure) for p, *figure in ends})
    return pd.DataFrame(rows)
