"""Who is served how well: goals met, refusals, long waits, fairness."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from driftsched.charts import fairness, tenant_percentile
from driftsched.studio.downloads import csv_button
from driftsched.studio.show import chart
from driftsched.studio.state import Key, choice
from driftsched.studio.words import policy_label, with_interval

if TYPE_CHECKING:
    from driftsched.experiments import Figures

__all__ = ["service", "service_table"]

HOW = "Means over the replications, in brackets Student's 95 % interval."


@st.fragment
def service(figures: Figures) -> None:
    """Draw goals met beside refusals, latency by tenant, and the shares of service."""
    st.subheader("Goals and fairness", anchor="fairness")
    with st.container(horizontal=True, gap="medium"):
        explained = "One row a policy, or one row for each tenant under each policy."
        scope = choice("Count", Key.SCOPE, explained, width=260)
        explained = "Which percentile of the latency the picture by tenant shows."
        level = choice("Percentile by tenant", Key.SERVICE_LEVEL, explained, width=180)
    table = figures.goals(scope)
    _table(service_table(table, scope), figures.ensemble.scenario.metrics.starvation_s)
    st.caption(HOW)
    csv_button(table, "goals", "goals-csv")
    left, right = st.columns(2, gap="large")
    with left:
        found = figures.percentiles("e2e_s", [level], "tenant", compared=False)
        chart(tenant_percentile(found, level), found, "tenants")
    with right:
        shares = figures.shares()
        chart(fairness(shares, _jain(figures.goals())), shares, "fairness")


def _jain(goals: pd.DataFrame) -> dict[str, str]:
    """Policy → Jain's index and half of its interval, short enough to stand below a bar."""
    half = (goals["jain_index_high"] - goals["jain_index_low"]) / 2
    return {
        str(policy): f"{index:.3f}" + (f"<br>±{width:.1g}" if math.isfinite(width) else "")
        for policy, index, width in zip(goals["policy"], goals["jain_index"], half, strict=True)
    }


def service_table(goals: pd.DataFrame, scope: str) -> pd.DataFrame:
    """Goals met, goodput, refusals and long waits as text with intervals.

    Parameters
    ----------
    goals : DataFrame
        From `Figures.goals`.
    scope : str
        overall, with Jain's index, or tenant.
    """
    table = pd.DataFrame({"policy": goals["policy"].map(policy_label)})
    if scope == "tenant":
        table["tenant"] = goals["group"]
    for name, percent in (
        ("completed", False),
        ("rejected", False),
        ("lost", False),
        ("starved", False),
        ("slo_attainment", True),
        ("request_goodput", False),
        *((("jain_index", False),) if scope == "overall" else ()),
    ):
        ends = goals[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        table[name] = [with_interval(*row) for row in (100 * ends if percent else ends).tolist()]
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
            "Goals met",
            help="Share of all requests, rejected ones too, that met every latency goal (SLO) of "
            "their tenant.",
        ),
        "request_goodput": text(
            "Goodput (1/s)",
            help="Requests a second that met every goal. Read it beside the rejected ones: turning "
            "requests away makes it look better.",
        ),
        "starved": text(
            f"Waited > {starvation_s:g} s", help="Starvation: too long a wait in the queue."
        ),
        "jain_index": text(
            "Jain's index",
            help="Fairness of service by weight: 1 is even, 1 / tenants is all to one. Where "
            "everything is served in the end it only reflects what was asked for.",
        ),
    }
    st.dataframe(table, hide_index=True, column_config=columns)
