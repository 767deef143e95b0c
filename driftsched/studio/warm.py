"""The first picture is computed before anybody asks for it."""

from __future__ import annotations

import streamlit as st

from driftsched.studio.waiting import pool, work_key

__all__ = ["warm_up"]


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Ask for Explore's default picture, once in the life of the server."""
    jobs = pool()  # its first worker loads the engine while this process loads what follows
    from driftsched.studio import work
    from driftsched.studio.link import DEFAULT_PRESET
    from driftsched.studio.presets import preset
    from driftsched.studio.whatif import policy_names

    args = (preset(DEFAULT_PRESET), tuple(policy_names()), 1)
    jobs.submit(work.comparison, args, work_key(work.comparison, args))
