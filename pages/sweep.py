"""Sweep: many settings of the scenario, which of them matter, what is traded for what."""

import streamlit as st

from driftsched.studio.page import page_setup
from driftsched.studio.sidebar import foot
from driftsched.studio.sweep.parameters import parameters
from driftsched.studio.sweep.pictures import command, points, swept

view = page_setup("Sweep", "Which settings matter, and what is traded for what?")
with st.container(key="sweep"):
    found = swept(view)
parameters(view)
if found is not None:
    points(view, found)
command(view)
foot()
