"""Queues, drift and learned bias over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.charts import bias_bands, drift_bands, estimation_error, queue_bands
from driftsched.experiments.time_series import (
    bias_series,
    drift_series,
    mean_start_s,
    queue_series,
    tenant_queue_series,
)
from driftsched.studio.explore.headline import pair
from driftsched.studio.show import chart
from driftsched.studio.state import Key, bound, get_view
from driftsched.studio.words import policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Figures

__all__ = ["estimates", "queues"]


@st.fragment
def queues(figures: Figures) -> None:
    """Draw the whole queue under each policy, and one policy's queue by tenant."""
    st.subheader("Queues", anchor="queues")
    policy = _one_policy(
        "Queue by tenant under",
        figures,
        pair(figures)[1],
        Key.QUEUE_POLICY,
        "Which policy's queue the picture by tenant shows.",
    )
    ensemble, marks = figures.ensemble, _marks(figures)
    left, right = st.columns(2, gap="large")
    with left:
        series = queue_series(ensemble)
        chart(queue_bands(series, marks), series, "queue-by-policy")
    with right:
        series = tenant_queue_series(ensemble, policy)
        chart(queue_bands(series, marks, by="tenant"), series, "queue-by-tenant")


@st.fragment
def estimates(figures: Figures) -> None:
    """Draw drift and learned bias under one policy, and the estimation error under all."""
    st.subheader("Estimates and drift", anchor="estimates")
    st.caption(
        "Drift is how long answers really are beside what was estimated. The bias is the "
        "correction learned from it, one for each category."
    )
    policy = _one_policy(
        "Estimates under",
        figures,
        pair(figures)[0],
        Key.DRIFT_POLICY,
        "The policy decides who finishes first, and so what is learned when.",
    )
    ensemble, marks = figures.ensemble, _marks(figures)
    unit = ensemble.scenario.estimator.unit
    left, middle, right = st.columns(3, gap="medium")
    with left:
        series = drift_series(ensemble, policy)
        chart(drift_bands(series, unit, marks), series, "drift")
    with middle:
        series = bias_series(ensemble, policy)
        chart(bias_bands(series, marks), series, "bias")
    with right:
        errors = figures.errors()
        chart(estimation_error(errors, unit), errors, "estimation-error")


def _one_policy(label: str, figures: Figures, first: str, key: Key, explanation: str) -> str:
    """Draw which policy a picture shows, `first` until the user chooses."""
    policies, chosen = figures.ensemble.policies, getattr(get_view(), key)
    return str(
        st.selectbox(
            label,
            policies,
            **bound(key, chosen if chosen in policies else first),
            format_func=policy_label,
            width=260,
            help=explanation,
        )
    )


def _marks(figures: Figures) -> list[tuple[float, str]]:
    """Where phases begin, on average, and where the warm-up ends, whether it is left out or not."""
    ensemble = figures.ensemble
    segments = ensemble.runs[ensemble.policies[0]][0].workload.segments
    found = [(mean_start_s(ensemble, s.first), s.name) for s in segments[:20]]
    end = figures.warmup
    if end is not None and end.settled and end.cut:
        found.append((mean_start_s(ensemble, end.cut), "warm-up ends"))
    return found
