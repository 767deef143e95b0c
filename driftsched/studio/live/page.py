"""The live half of the Run page, in reading order."""

from __future__ import annotations

import streamlit as st

from driftsched.studio.linked import WORLDS
from driftsched.studio.live.connection import connection_test
from driftsched.studio.live.ended import ended
from driftsched.studio.live.follow import follow
from driftsched.studio.live.history import history, watched
from driftsched.studio.live.setup import engine_setup
from driftsched.studio.live.start import start_button
from driftsched.studio.live.state import LiveKey
from driftsched.studio.state import View

__all__ = ["live_page", "world"]


def world() -> str:
    """Draw the switch between the two worlds; it is part of the page's link."""
    chosen = st.segmented_control(
        "World",
        list(WORLDS),
        default="simulated",
        required=True,
        key=LiveKey.WORLD,
        bind="query-params",
        format_func=WORLDS.__getitem__,
        label_visibility="collapsed",
        help="Simulated: a modelled GPU, done in a moment. Live: a real engine, in real time.",
    )
    return str(chosen)


def live_page(view: View) -> None:
    """Set up an engine, start a run on it, watch the server's live runs."""
    options = engine_setup()
    if options is not None:
        connection_test(options)
        start_button(view.effective, options)
    job = watched()
    if job is not None:
        st.divider()
        (ended if job.ended.is_set() else follow)(job)
    history(job)
