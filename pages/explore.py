"""Explore: move a slider and see what every policy makes of it."""

import streamlit as st

from driftsched.experiments.load import peak_rho
from driftsched.studio.explore.controls import controls, repeated
from driftsched.studio.explore.figures import figures_for, rests_on
from driftsched.studio.explore.headline import headline, tiles
from driftsched.studio.explore.pictures import pictures
from driftsched.studio.page import page_setup

view = page_setup("Explore", beside=tiles)
rho = peak_rho(view.effective)
found = None
with st.container(key="headline"):
    if not view.policies:
        st.info("Choose at least one policy to compare.", icon=":material/checklist:")
    elif (found := figures_for(view)) is not None:
        headline(view, *found, rho)
left, right = st.columns([3, 1], gap="medium")
with right, st.container(key="controls"):
    controls(view, rho)
if found is not None:
    with left:
        pictures(*found)
repeated()
if found is not None:
    rests_on(found[0], view)
