"""Compare: any runs side by side, and what differs from one of them."""

import streamlit as st

from driftsched.studio.compare.answer import answer
from driftsched.studio.compare.choose import controls, nothing_yet
from driftsched.studio.page import page_setup
from driftsched.studio.sidebar import foot

view = page_setup("Compare", "What differs between these runs, and for whom?")
left, right = st.columns([3, 1], gap="medium")
with right, st.container(key="compare-controls"):
    controls(view)
with left:
    if len(view.runs) < 2:
        nothing_yet(view)
    else:
        with st.container(key="compare-answer"):
            answer(view)
foot()
