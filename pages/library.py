"""Library: the runs that are kept, side by side."""

import streamlit as st

from driftsched.results import RunLibrary
from driftsched.studio.library.chosen import panel, picture
from driftsched.studio.library.moving import come_and_go
from driftsched.studio.library.table import chosen, looked_for, table
from driftsched.studio.page import page_setup
from driftsched.studio.sidebar import foot

view = page_setup("Library", "Which runs are kept, and how do they differ?")
library = RunLibrary()
runs = library.list()
found = looked_for(runs, view)
picked = chosen(found)
left, right = st.columns([3, 1], gap="medium")
with left:
    picture(picked, any_at_all=not runs.empty)
    if not runs.empty:
        table(runs, found, view)
with right, st.container(key="library-panel"):
    panel(library, picked)
    come_and_go(library)
foot(seeded=False)
