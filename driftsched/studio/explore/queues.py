"""How many requests wait, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.charts import queue_bands
from driftsched.experiments.time_series import mean_start_s, queue_series, tenant_queue_series
from driftsched.studio.explore.headline import pair
from driftsched.studio.explore.one_policy import one_policy
from driftsched.studio.show import chart
from driftsched.studio.state import Key

if TYPE_CHECKING:
    from driftsched.experiments import Figures

__all__ = ["marks", "queues"]


@st.fragment
def queues(figures: Figures) -> None:
    """Draw the whole queue under each policy, and one policy's queue by tenant."""
    st.subheader("Queues", anchor="queues")
    ensemble = figures.ensemble
    policy = one_policy(
        "Queue by tenant under",
        ensemble.policies,
        pair(figures)[1],
        key=Key.QUEUE_POLICY,
        explanation="Which policy's queue the picture by tenant shows.",
    )
    drawn = marks(figures)
    left, right = st.columns(2, gap="large")
    with left:
        course = queue_series(ensemble)
        chart(queue_bands(course, drawn), course, "queue-by-policy")
    with right:
        course = tenant_queue_series(ensemble, policy)
        chart(queue_bands(course, drawn, by="tenant"), course, "queue-by-tenant")


def marks(figures: Figures) -> list[tuple[float, str]]:
    """Where phases begin, on average, and where the warm-up ends, whether it is left out or not."""
    ensemble = figures.ensemble
    segments = ensemble.runs[ensemble.policies[0]][0].workload.segments
    found = [(mean_start_s(ensemble, s.first), s.name) for s in segments[:20]]
    end = figures.warmup
    if end is not None and end.settled and end.cut:
        found.append((mean_start_s(ensemble, end.cut), "warm-up ends"))
    return found
