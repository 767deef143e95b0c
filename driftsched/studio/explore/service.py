"""Who is served how well: SLOs met, refusals, long waits, fairness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from driftsched.charts import fairness, tenant_percentile
from driftsched.charts.labels import policy_label
from driftsched.experiments import Figures
from driftsched.experiments.answer import largest_gaps, payers
from driftsched.results.wording import with_interval
from driftsched.studio.explore.headline import plain_but_bold
from driftsched.studio.show import LOWER, caption_and_csv, compared, each
from driftsched.studio.view import EVERYBODY, View

NAMED = 8
"""With more tenants than this nobody reads who pays in words."""
HOW = "Means over the replications, in brackets Student's 95 % interval."


def service(view: View, figures: Figures, before: Figures | None) -> None:
    """Draw latency by tenant and who pays, fairness while tenants compete, slowdown, SLOs met."""
    level, subject = view.level, (view.preset, view.metric)
    named = len(figures.names("tenant")) <= NAMED
    found = figures.percentiles(view.metric, [level], "tenant", compared=named, before=before)
    if named:
        st.markdown(plain_but_bold(payers(found)))
    then = None if before is None else _plain(before, view.metric, level)
    compared(lambda t: tenant_percentile(t, level, view.metric), (found, then), "tenants", subject)
    left, right = st.columns(2, gap="medium")
    with left:
        shares = each(Figures.competition, figures, before)
        gaps = largest_gaps(*shares)
        compared(lambda t: fairness(t, gaps), shares, "fairness", subject, LOWER)
    with right:
        slow = each(lambda one: _plain(one, "slowdown", level), figures, before)
        compared(
            lambda t: tenant_percentile(t, level, "slowdown"), slow, "slowdown", subject, LOWER
        )
    scope = "overall" if view.tenant == EVERYBODY else "tenant"
    table = figures.goals(scope)
    _table(service_table(table, scope), figures.ensemble.scenario.metrics.starvation_s)
    caption_and_csv(HOW, table, "slos", "slos-csv")


def _plain(figures: Figures, metric: str, level: float) -> pd.DataFrame:
    return figures.percentiles(metric, [level], "tenant", compared=False)


def service_table(goals: pd.DataFrame, scope: str) -> pd.DataFrame:
    """SLOs met, goodput, refusals and long waits of `Figures.goals`, as text with intervals."""
    table = pd.DataFrame({"policy": goals["policy"].map(policy_label)})
    if scope == "tenant":
        table["tenant"] = goals["group"]
    for name, percent in (
        ("completed", False),
        ("rejected", False),
        ("lost", False),
        ("starved", False),
        ("slo_attainment", True),
        ("weighted_slo_attainment", True),
        ("request_goodput", False),
    ):
        ends = goals[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        ends = 100 * np.clip(ends, 0, 1) if percent else np.maximum(ends, 0)
        table[name] = [with_interval(*row) for row in ends.tolist()]
        if percent:
            table[name] = [f"{text} %" if text != "–" else text for text in table[name]]
    return table


def _table(table: pd.DataFrame, starvation_s: float) -> None:
    text = st.column_config.TextColumn
    columns: dict[str, Any] = {
        "policy": "Policy",
        "tenant": "Tenant",
        "completed": text("Finished"),
        "rejected": text("Rejected", help="Turned away at the door by the tenant's limits."),
        "lost": text("Lost", help="Let in, but failed, timed out or cancelled."),
        "slo_attainment": text(
            "SLOs met",
            help="Share of all requests, rejected ones too, that met every SLO of their tenant.",
        ),
        "weighted_slo_attainment": text(
            "By weight", help="The same share, each request counting as its tenant's weight says."
        ),
        "request_goodput": text(
            "Goodput (1/s)",
            help="Requests a second that met every SLO. Read it beside the rejected ones: turning "
            "requests away makes it look better.",
        ),
        "starved": text(
            f"Waited > {starvation_s:g} s", help="Starvation: too long a wait in the queue."
        ),
    }
    st.dataframe(table, hide_index=True, column_config=columns)
