"""Paper: the published claims beside what this program gets."""

import streamlit as st

from driftsched.studio import work
from driftsched.studio.page import page_setup
from driftsched.studio.paper import assumptions, claims, switches
from driftsched.studio.presets import preset
from driftsched.studio.waiting import result_of

page_setup(
    "Paper",
    "Which results of DriftSched (arXiv 2606.02982) can be had again, and why do others differ?",
)
choice = switches()
paper = result_of(
    work.paper,
    (preset("paper"), choice.seeds, choice.unit, choice.mode, choice.lengths),
    slot="paper",
)
if paper is None:
    st.stop()
claims(paper, choice)
assumptions(paper)
