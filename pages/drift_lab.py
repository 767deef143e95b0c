"""Drift lab: how near estimates come to what can be known, and what better ones would change."""

import streamlit as st

from driftsched.studio.lab.stream import controls, how_near, stream
from driftsched.studio.lab.worth import better
from driftsched.studio.page import page_setup
from driftsched.studio.sidebar import foot

view = page_setup(
    "Drift lab", "How soon is a drift learnt, and what would better estimates change?"
)
with st.container(key="lab-stream"):
    report = stream(view)
controls(view)
if report is not None:
    how_near(report)
better(view)
foot()
