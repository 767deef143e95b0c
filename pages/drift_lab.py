"""Drift lab: how near estimates come to what can be known, and what better ones would change."""

import streamlit as st

from driftsched.studio.lab.stream import controls, stream
from driftsched.studio.lab.worth import better
from driftsched.studio.page import page_setup

view = page_setup(
    "Drift lab", "How soon is a drift learnt, and what would better estimates change?"
)
controls(view)
with st.container(key="lab-stream"):
    stream(view)
better(view)
