"""Explore: change the traffic, the policy or the engine and see what happens."""

import streamlit as st

from driftsched.studio import work
from driftsched.studio.explore import (
    controls,
    estimates,
    headline,
    latency,
    queues,
    service,
)
from driftsched.studio.page import page_setup
from driftsched.studio.waiting import result_of

view = page_setup(
    "Explore",
    "If these tenants send this traffic to this GPU, how long do they wait under each policy?",
)
controls(view)
if not view.policies:
    st.info("Choose at least one policy to compare.", icon=":material/checklist:")
    st.stop()
comparison = result_of(work.comparison, (view.effective, view.policies, 1), slot="explore")
if comparison is None:
    st.stop()
headline(comparison)
latency(comparison)
queues(comparison)
estimates(comparison)
service(comparison)
