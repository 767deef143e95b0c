"""How well answer lengths are estimated, and what learning changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.charts import bias, confusion, drift, estimation_error
from driftsched.results.marks import run_marks
from driftsched.studio.explore.headline import pair
from driftsched.studio.show import chart
from driftsched.studio.state import Key
from driftsched.studio.words import policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Comparison

__all__ = ["estimates"]

ERRORS = ["mae", "rmse", "mape", "mean_signed_error"]
CONFUSION = ["request_id", "category", "size_class", "actual_size_class"]
DRIFT = ["request_id", "category", "estimated_output_tokens", "counted_output_tokens", "finish_s"]


@st.fragment
def estimates(comparison: Comparison) -> None:
    """Draw drift, learned bias, estimation error and size classes of one policy's run."""
    st.subheader("Estimates and drift", anchor="estimates")
    st.caption(
        "Drift is how long answers really are beside what was estimated. The bias is the "
        "correction learned from it, one for each category."
    )
    runs, unit = comparison.first, comparison.scenario.estimator.unit
    policy = st.selectbox(
        "Estimates under",
        list(runs),
        index=list(runs).index(pair(runs)[0]),
        key=Key.DRIFT_POLICY,
        bind="query-params",
        format_func=policy_label,
        width=260,
        help="The policy decides who finishes first, and so what is learned when.",
    )
    run = runs[policy]
    phases = run_marks(run)
    rows = comparison.estimation[comparison.estimation["policy"] == policy]
    errors = rows.groupby("compensator", observed=True, sort=False)[ERRORS].mean().reset_index()
    left, right = st.columns(2, gap="large")
    with left:
        figure = drift.drift(run.requests, unit=unit, marks=phases)
        chart(figure, drift.LOOK_AT, run.requests[DRIFT], "drift")
        figure = estimation_error.estimation_error(errors, unit)
        chart(figure, estimation_error.LOOK_AT, errors, "estimation-error")
    with right:
        chart(bias.bias(run.learning, phases), bias.LOOK_AT, run.learning, "bias")
        table = run.requests[CONFUSION]
        chart(confusion.confusion(run.requests), confusion.LOOK_AT, table, "size-classes")
