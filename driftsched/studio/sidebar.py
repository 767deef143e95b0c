"""The sidebar: which scenario, which seed, which policy."""

from __future__ import annotations

import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.scenario import preset_names
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.front_end.script import component
from driftsched.studio.link import preset
from driftsched.studio.show import image_format
from driftsched.studio.state import Key, get_view, of_scenario, set_view
from driftsched.studio.view import View
from driftsched.studio.words import POLICY_HELP, plain

_copy_link = component("copyLink", "copy_link")


def sidebar(page: str) -> None:
    """Draw the scenario's name, the preset chooser, the seed and the policy.

    Paper always shows the published experiment: there is nothing to choose. Explore has the
    question at its head, and compares several policies.
    """
    with st.sidebar:
        if page == "Paper":
            st.caption("This page repeats the published experiment, whatever the others show.")
        else:
            _scenario(get_view(), alone=page != "Explore")
        if page != "Explore":  # which has it with what is seldom changed
            take_along()


def take_along() -> None:
    """Draw what takes a page elsewhere: the format of its images, its link."""
    image_format()
    _copy_link(key="copy-link")


def _scenario(view: View, alone: bool) -> None:
    edited = view.edited
    if alone:
        st.markdown(f"**{plain(view.scenario.title or view.scenario.name)}**")
        st.caption(("Changed from the preset. " if edited else "") + plain(view.scenario.question))
    _choosers(view, alone)
    if edited:
        st.button(
            "Back to the preset",
            key=Key.RESET,
            icon=":material/undo:",
            help="Undo every change to the scenario.",
            on_click=lambda: set_view(view.with_preset(view.preset)),
        )


def _choosers(view: View, alone: bool) -> None:
    st.session_state[Key.PRESET] = view.preset
    st.selectbox(
        "Preset",
        preset_names(),
        key=Key.PRESET,
        format_func=lambda name: preset(name).title or name,
        on_change=lambda: set_view(get_view().with_preset(st.session_state[Key.PRESET])),
        help="A ready-made scenario: tenants, traffic, GPU. Choosing one replaces yours."
        if alone
        else None,
    )
    if alone:
        seed()
        st.selectbox(
            "Policy",
            list(POLICIES),
            **of_scenario(Key.POLICY, "policy.kind"),
            format_func=policy_label,
            help="Which waiting request goes next; Explore compares several.\n\n" + POLICY_HELP,
        )


def seed() -> None:
    """Draw the seed's field."""
    st.number_input(
        "Seed",
        min_value=0,
        max_value=2**32 - 1,
        **of_scenario(Key.SEED, "seed"),
        help="Starts the random numbers. The same seed gives the same traffic, always.",
    )
