"""Queues, drift and learned bias over time."""

from __future__ import annotations

import streamlit as st

from driftsched.charts import bias_bands, drift_bands, estimation_error, queue_bands
from driftsched.charts.labels import policy_label
from driftsched.experiments import Figures
from driftsched.experiments.answer import learnt
from driftsched.experiments.time_series import (
    bias_series,
    drift_series,
    mean_start_s,
    queue_series,
    tenant_queue_series,
)
from driftsched.studio.explore.headline import base_policy, plain_but_bold
from driftsched.studio.show import LOWER, chart, compared, each
from driftsched.studio.state import Key, bound, get_view
from driftsched.studio.view import View
from driftsched.workload.drift import drift_marks


def queues(view: View, figures: Figures, before: Figures | None) -> None:
    """Draw the whole queue under each policy, and one policy's queue by tenant."""
    marks = _marks(figures)
    series = each(lambda one: queue_series(one.ensemble), figures, before)
    compared(lambda t: queue_bands(t, marks), series, "queue-by-policy", (view.preset,))
    policy = _one_policy(figures, "Which policy's queue the picture by tenant shows.")
    series = each(lambda one: tenant_queue_series(one.ensemble, policy), figures, before)
    subject = (view.preset, policy)
    compared(
        lambda t: queue_bands(t, marks, by="tenant"), series, "queue-by-tenant", subject, LOWER
    )


def estimates(view: View, figures: Figures, before: Figures | None) -> None:
    """Say how soon a drift is learnt; draw drift, learned bias and error under one policy."""
    place = st.container(key="learnt")
    marks = _marks(figures)
    unit, subject = figures.ensemble.scenario.estimator.unit, (view.preset,)
    one = view.under or base_policy(view)
    series = each(lambda of: drift_series(of.ensemble, one), figures, before)
    compared(lambda t: drift_bands(t, unit, marks), series, "drift", subject)
    policy = _one_policy(figures, "Who finishes first decides what is learned when.")
    with place:
        st.markdown(plain_but_bold(learnt(figures, policy)))
    left, right = st.columns(2, gap="medium")
    with left:
        series = each(lambda of: bias_series(of.ensemble, policy), figures, before)
        compared(lambda t: bias_bands(t, marks), series, "bias", subject, LOWER)
    with right:
        errors = figures.errors(policy)
        chart(estimation_error(errors, unit), errors, "estimation-error")


def _one_policy(figures: Figures, explanation: str) -> str:
    """Draw which policy a picture shows, the scenario's own until the user chooses."""
    policies, chosen = figures.ensemble.policies, get_view().under
    return str(
        st.selectbox(
            "Under",
            policies,
            **bound(Key.UNDER, chosen if chosen in policies else base_policy(get_view())),
            format_func=policy_label,
            width=260,
            help=explanation,
        )
    )


def _marks(figures: Figures) -> list[tuple[float, str]]:
    """Where phases and drifts begin, on average, and where the warm-up ends, left out or not."""
    ensemble = figures.ensemble
    segments = ensemble.runs[ensemble.policies[0]][0].workload.segments
    starts = [mean_start_s(ensemble, s.first) for s in segments]
    found = list(zip(starts[:20], (s.name for s in segments), strict=False))
    found += drift_marks(ensemble.scenario, segments, starts)[:20]
    end = figures.warmup
    if end is not None and end.settled and end.cut:
        found.append((mean_start_s(ensemble, end.cut), "warm-up ends"))
    return found
