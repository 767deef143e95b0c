"""How many requests wait, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from driftsched.charts import queue_depth
from driftsched.results.marks import run_marks
from driftsched.studio.explore.headline import pair
from driftsched.studio.show import chart
from driftsched.studio.state import Key
from driftsched.studio.words import policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Comparison

__all__ = ["queues"]


@st.fragment
def queues(comparison: Comparison) -> None:
    """Draw the whole queue under each policy, and one policy's queue by tenant."""
    st.subheader("Queues", anchor="queues")
    runs = comparison.first
    base, other = pair(runs)
    policy = st.selectbox(
        "Queue by tenant under",
        list(runs),
        index=list(runs).index(other),
        key=Key.QUEUE_POLICY,
        bind="query-params",
        format_func=policy_label,
        width=260,
        help="Which policy's run the picture by tenant shows.",
    )
    run = runs[policy]
    left, right = st.columns(2, gap="large")
    with right:
        figure = queue_depth.queue_depth(run.queues, run_marks(run))
        chart(figure, queue_depth.LOOK_AT, run.queues, "queue-by-tenant")
    with left:
        tables = {name: run.queues for name, run in runs.items()}
        figure = queue_depth.queue_depth_by_policy(tables, run_marks(runs[base]))
        data = pd.concat([table.assign(policy=name) for name, table in tables.items()])
        chart(figure, queue_depth.LOOK_AT_BY_POLICY, data, "queue-by-policy")
