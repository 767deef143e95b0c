"""How well answer lengths are estimated, and what learning changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.charts import bias_bands, drift_bands, estimation_error
from driftsched.experiments.time_series import bias_series, drift_series
from driftsched.studio.explore.headline import pair
from driftsched.studio.explore.one_policy import one_policy
from driftsched.studio.explore.queues import marks
from driftsched.studio.show import chart
from driftsched.studio.state import Key

if TYPE_CHECKING:
    from driftsched.experiments import Figures

__all__ = ["estimates"]


@st.fragment
def estimates(figures: Figures) -> None:
    """Draw drift and learned bias under one policy, and the estimation error under all."""
    st.subheader("Estimates and drift", anchor="estimates")
    st.caption(
        "Drift is how long answers really are beside what was estimated. The bias is the "
        "correction learned from it, one for each category."
    )
    ensemble = figures.ensemble
    policy = one_policy(
        "Estimates under",
        ensemble.policies,
        pair(figures)[0],
        key=Key.DRIFT_POLICY,
        explanation="The policy decides who finishes first, and so what is learned when.",
    )
    unit, drawn = ensemble.scenario.estimator.unit, marks(figures)
    left, middle, right = st.columns(3, gap="medium")
    with left:
        course = drift_series(ensemble, policy)
        chart(drift_bands(course, unit, drawn), course, "drift")
    with middle:
        course = bias_series(ensemble, policy)
        chart(bias_bands(course, drawn), course, "bias")
    with right:
        errors = figures.errors()
        chart(estimation_error(errors, unit), errors, "estimation-error")
