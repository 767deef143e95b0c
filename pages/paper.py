"""Paper: published claims beside what this program gets."""

import streamlit as st

from driftsched.experiments.papers import PAPERS
from driftsched.studio.page import page_setup
from driftsched.studio.paper import (
    assumptions,
    claims,
    files,
    other_assumptions,
    picker,
    reproduction,
    switches,
)
from driftsched.studio.sidebar import foot

view = page_setup("Paper", lambda view: PAPERS[view.paper].question)
picker()
with st.container(key="paper-answer"):
    paper = reproduction(view)
    if paper is not None:
        claims(paper, view)
switches(view)
if paper is not None:
    other_assumptions(view)
    assumptions(paper)
    files(paper, view)
foot(seeded=False)
