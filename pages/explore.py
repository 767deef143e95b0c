"""Explore: move a slider and see what every policy makes of it."""

import streamlit as st

from driftsched.studio.explore import (
    compared,
    controls,
    figures_for,
    headline,
    pictures,
    rests_on,
    tiles,
)
from driftsched.studio.page import page_setup
from driftsched.studio.work import load_of

view = page_setup("Explore", beside=tiles)
answer = st.container(key="headline")
left, right = st.columns([3, 1], gap="medium")
rho = load_of(view.effective)
with right, st.container(key="controls"):
    controls(view, rho)
if not view.policies:
    answer.info("Choose at least one policy to compare.", icon=":material/checklist:")
else:
    with answer:
        found = figures_for(view)
        if found is not None:
            headline(view, *found, rho)
    if found is not None:
        with left:
            pictures(*found)
compared(view)
if view.policies and found is not None:
    rests_on(found[0], view)
