"""The main picture, one subject at a time: only what is in sight is computed, drawn and sent."""

from __future__ import annotations

from typing import Any

import streamlit as st

from driftsched.experiments import Figures
from driftsched.studio.explore.latency import latency
from driftsched.studio.explore.over_time import estimates, queues
from driftsched.studio.explore.service import service
from driftsched.studio.explore.sweep import sweep
from driftsched.studio.state import Key, bound, get_view

DRAWN: dict[str, Any] = {
    "Latency": latency,
    "Tenants": service,
    "Queues": queues,
    "Drift": estimates,
    "Load": sweep,
}


@st.fragment
def pictures(figures: Figures, before: Figures | None) -> None:
    """Draw tabs, and in the one that is open what it shows."""
    tabs = st.tabs([*DRAWN], **bound(Key.TAB))
    view = get_view()
    for tab, (name, draw) in zip(tabs, DRAWN.items(), strict=True):
        if name == view.tab:
            with tab:
                draw(view, figures, before)
