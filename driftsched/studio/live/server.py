"""The server's one set of live runs, shared by all sessions."""

from __future__ import annotations

import streamlit as st

from driftsched.studio.live.runs import LiveRuns

__all__ = ["live_runs"]


@st.cache_resource(show_spinner=False, on_release=LiveRuns.close)
def live_runs() -> LiveRuns:
    """All live runs of this server."""
    return LiveRuns()
