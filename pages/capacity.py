"""Capacity: how much load a goal bears, and how many GPUs it needs."""

import streamlit as st

from driftsched.studio.capacity import answer, controls
from driftsched.studio.page import page_setup
from driftsched.studio.sidebar import foot

view = page_setup("Capacity", "How much can this take, and how many GPUs does it need?")
left, right = st.columns([3, 1], gap="medium")
with right, st.container(key="capacity-controls"):
    tenant = controls(view)
with left, st.container(key="capacity-answer"):
    answer(view, tenant)
foot()
