"""Who is served how well: goals met, refusals, long waits, fairness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from driftsched.charts import fairness, tenants
from driftsched.results.fairness import jain_index, service_gaps, weighted_service
from driftsched.studio.downloads import csv_button
from driftsched.studio.show import chart
from driftsched.studio.state import Key
from driftsched.studio.words import policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Comparison
    from driftsched.results.tables import RunResult

__all__ = ["service", "service_table"]

TENANT = ["request_id", "tenant", "e2e_s"]
SCOPES = {"overall": "All tenants together", "tenant": "Each tenant"}


@st.fragment
def service(comparison: Comparison) -> None:
    """Draw goals met beside refusals, latency by tenant, and the shares of service."""
    st.subheader("Goals and fairness", anchor="fairness")
    scope = st.selectbox(
        "Count",
        list(SCOPES),
        key=Key.SCOPE,
        bind="query-params",
        format_func=SCOPES.__getitem__,
        width=260,
        help="One row a policy, or one row for each tenant under each policy.",
    )
    table = service_table(comparison, scope)
    _table(table, comparison.scenario.metrics.starvation_s)
    csv_button(table, "goals", "goals-csv")
    runs = comparison.first
    requests = {policy: run.requests for policy, run in runs.items()}
    shares = pd.concat([weighted_service(run).assign(policy=name) for name, run in runs.items()])
    left, right = st.columns(2, gap="large")
    with left:
        data = pd.concat([frame[TENANT].assign(policy=name) for name, frame in requests.items()])
        chart(tenants.tenants(requests), tenants.LOOK_AT, data, "tenants")
    with right:
        chart(fairness.fairness(shares), fairness.LOOK_AT, shares, "fairness")


def service_table(comparison: Comparison, scope: str) -> pd.DataFrame:
    """Goals met, goodput, refusals and long waits of the first seed, a row a policy or tenant.

    Parameters
    ----------
    scope : str
        overall, with Jain's index and the largest service gap, or tenant.
    """
    metrics: pd.DataFrame = comparison.metrics
    rows = metrics[(metrics["seed"] == metrics["seed"].iloc[0]) & (metrics["scope"] == scope)]
    names = ["policy"] if scope == "overall" else ["policy", "name"]
    table: pd.DataFrame = rows[[*names, "submitted", "completed", "rejected"]].assign(
        lost=rows["failed"] + rows["timed_out"] + rows["cancelled"],
        slo_attainment=rows["slo_attainment"],
        request_goodput=rows["request_goodput"],
        starved=rows["starved"],
    )
    if scope != "overall":
        return table
    runs = [comparison.first[policy] for policy in table["policy"]]
    return table.assign(jain=list(map(_jain, runs)), service_gap_tokens=list(map(_gap, runs)))


def _jain(run: RunResult) -> float:
    return jain_index(weighted_service(run)["normalised_service"])


def _gap(run: RunResult) -> int:
    gaps = service_gaps(run)["gap_tokens"]
    return round(float(gaps.max())) if len(gaps) else 0  # one tenant has nobody to be ahead of


def _table(table: pd.DataFrame, starvation_s: float) -> None:
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "policy": "Policy",
        "name": "Tenant",
        "submitted": number("Requests"),
        "completed": number("Finished"),
        "rejected": number("Rejected", help="Turned away at the door by the tenant's limits."),
        "lost": number("Lost", help="Let in, but failed, timed out or cancelled."),
        "slo_attainment": number(
            "Goals met",
            format="percent",
            help="Share of all requests, rejected ones too, that met every latency goal (SLO) of "
            "their tenant.",
        ),
        "request_goodput": number(
            "Goodput (1/s)",
            format="%.2f",
            help="Requests a second that met every goal. Read it beside the rejected ones: turning "
            "requests away makes it look better.",
        ),
        "starved": number(
            f"Waited > {starvation_s:g} s", help="Starvation: too long a wait in the queue."
        ),
        "jain": number(
            "Jain's index",
            format="%.3f",
            help="Fairness of service by weight: 1 is even, 1 / tenants is all to one. Where "
            "everything is served in the end it only reflects what was asked for.",
        ),
        "service_gap_tokens": number(
            "Service gap (tokens)",
            format="localized",
            help="The most that one tenant got ahead of another while both were waiting, counted "
            "as input + 2 · output tokens. Less is fairer.",
        ),
    }
    shown = table.assign(policy=table["policy"].map(policy_label))
    st.dataframe(shown, hide_index=True, column_config=columns)
