"""A page's side and foot: which scenario, policy and seed, and how it is taken elsewhere."""

from __future__ import annotations

import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.scenario import preset_names
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.front_end.script import component
from driftsched.studio.link import preset
from driftsched.studio.show import image_format
from driftsched.studio.state import Key, get_view, of_scenario, set_view

_copy_link = component("copyLink", "copy_link")


def sidebar(page: str) -> None:
    """Draw the preset chooser, and the policy but for Explore, which compares several.

    Paper always shows the published experiment, Library what was run before: nothing is to choose.
    """
    if page in ("Paper", "Library"):
        return
    with st.sidebar:
        _preset()
        if page != "Explore":
            st.selectbox(
                "Policy",
                list(POLICIES),
                **of_scenario(Key.POLICY, "policy.kind"),
                format_func=policy_label,
            )


def _preset() -> None:
    view = get_view()
    st.session_state[Key.PRESET] = view.preset
    st.selectbox(
        "Preset",
        preset_names(),
        key=Key.PRESET,
        format_func=lambda name: preset(name).title or name,
        on_change=lambda: set_view(get_view().with_preset(st.session_state[Key.PRESET])),
    )
    if view.edited:
        st.button(
            "Back to the preset",
            key=Key.RESET,
            icon=":material/undo:",
            help="Undo every change to the scenario.",
            on_click=lambda: set_view(view.with_preset(view.preset)),
        )


def foot(*, seeded: bool = True) -> None:
    """Draw the seed, and what takes a page elsewhere: the format of its images, its link."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="foot"):
        if seeded:
            st.number_input(
                "Seed",
                min_value=0,
                max_value=2**32 - 1,
                **of_scenario(Key.SEED, "seed"),
                width=180,
                help="Starts the random numbers. The same seed gives the same traffic, always.",
            )
        image_format()
        _copy_link(key="copy-link")
