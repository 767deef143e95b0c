"""Paper: the published claims beside what this program gets."""

import streamlit as st

from driftsched.studio import work
from driftsched.studio.link import preset
from driftsched.studio.page import page_setup
from driftsched.studio.paper import assumptions, claims, files, other_assumptions, switches
from driftsched.studio.waiting import result_of

view = page_setup(
    "Paper",
    "Which results of DriftSched (arXiv 2606.02982) can be had again, and why do others differ?",
)
answer = st.container()
switches()
with answer:
    asked = preset("paper"), view.paper_seeds, view.paper_unit, view.paper_mode, view.paper_lengths
    paper = result_of(work.paper, asked, slot="paper")
    if paper is not None:
        claims(paper, view)
if paper is not None:
    other_assumptions(asked)
    assumptions(paper)
    files(paper, view)
