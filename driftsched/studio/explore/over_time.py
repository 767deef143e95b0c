"""Queues, drift and learned bias over time."""

from __future__ import annotations

from typing import Any

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
from driftsched.studio.show import LOWER, Beside, chart
from driftsched.studio.state import Key, bound, get_view
from driftsched.studio.view import View
from driftsched.workload.drift import drift_marks


def queues(view: View, figures: Figures, before: Figures | None) -> None:
    """Draw the whole queue under each policy, and one policy's queue by tenant."""
    marks = _marks(figures)
    series = queue_series(figures.ensemble)
    ghost = None if before is None else queue_bands(queue_series(before.ensemble))
    beside = Beside(ghost, (view.preset,))
    chart(queue_bands(series, marks), series, "queue-by-policy", beside)
    policy = _one_policy(figures, "Which policy's queue the picture by tenant shows.")
    series = tenant_queue_series(figures.ensemble, policy)
    ghost = None
    if before is not None:
        ghost = queue_bands(tenant_queue_series(before.ensemble, policy), by="tenant")
    beside = Beside(ghost, (view.preset, policy), LOWER)
    chart(queue_bands(series, marks, by="tenant"), series, "queue-by-tenant", beside)


def estimates(view: View, figures: Figures, before: Figures | None) -> None:
    """Say how soon a drift is learnt; draw drift, learned bias and error under one policy."""
    place = st.container(key="learnt")
    ensemble, marks = figures.ensemble, _marks(figures)
    unit = ensemble.scenario.estimator.unit
    one = view.under or base_policy(view)
    ghosts: list[Any] = [None, None]
    if before is not None:
        ghosts = [
            drift_bands(drift_series(before.ensemble, one), unit),
            bias_bands(bias_series(before.ensemble, one)),
        ]
    series = drift_series(ensemble, one)
    beside = Beside(ghosts[0], (view.preset,))
    chart(drift_bands(series, unit, marks), series, "drift", beside)
    policy = _one_policy(figures, "Who finishes first decides what is learned when.")
    with place:
        st.markdown(plain_but_bold(learnt(figures, policy)))
    left, right = st.columns(2, gap="medium")
    with left:
        series = bias_series(ensemble, policy)
        chart(bias_bands(series, marks), series, "bias", Beside(ghosts[1], (view.preset,), LOWER))
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
