"""The sidebar: which scenario, which seed, which policy."""

from __future__ import annotations

import streamlit as st

from driftsched.scenario import preset_names, with_policy
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.presets import preset
from driftsched.studio.show import image_format
from driftsched.studio.state import Key, change_scenario, change_view, get_view, set_view
from driftsched.studio.view import View
from driftsched.studio.words import POLICY_HELP, policy_label

__all__ = ["sidebar"]


def sidebar(fixed: bool = False) -> None:
    """Draw the scenario's name, the preset chooser, the seed and the policy.

    Parameters
    ----------
    fixed : bool
        The page always shows the published experiment; there is nothing to choose.
    """
    with st.sidebar:
        if fixed:
            st.caption("This page repeats the published experiment, whatever the others show.")
        else:
            _scenario(get_view())
        image_format()


def _scenario(view: View) -> None:
    edited = view.edited
    st.markdown(f"**{view.scenario.title or view.scenario.name}**")
    st.caption(("Changed from the preset. " if edited else "") + view.scenario.question)
    _choosers(view)
    if edited:
        st.button(
            "Back to the preset",
            key=Key.RESET,
            icon=":material/undo:",
            help="Undo every change to the scenario.",
            on_click=lambda: set_view(view.with_preset(view.preset)),
        )


def _choosers(view: View) -> None:
    st.session_state[Key.PRESET] = view.preset
    st.selectbox(
        "Preset",
        preset_names(),
        key=Key.PRESET,
        format_func=_preset_label,
        on_change=_take_preset,
        help="A ready-made scenario: tenants, traffic, GPU. Choosing one replaces yours.",
    )
    st.session_state[Key.SEED] = view.scenario.seed
    st.number_input(
        "Seed",
        min_value=0,
        max_value=2**32 - 1,
        key=Key.SEED,
        on_change=_take_seed,
        help="Starts the random numbers. The same seed gives the same traffic, always.",
    )
    st.session_state[Key.POLICY] = view.scenario.policy.kind
    st.selectbox(
        "Policy",
        list(POLICIES),
        key=Key.POLICY,
        format_func=policy_label,
        on_change=_take_policy,
        help="Which waiting request goes next; used by Run. Explore compares several.\n\n"
        + POLICY_HELP,
    )


def _preset_label(name: str) -> str:
    return preset(name).title or name


def _take_preset() -> None:
    set_view(get_view().with_preset(st.session_state[Key.PRESET]))


def _take_seed() -> None:
    seed = st.session_state[Key.SEED]
    if seed is not None:
        change_scenario(seed=int(seed))


def _take_policy() -> None:
    change_view(scenario=with_policy(get_view().scenario, st.session_state[Key.POLICY]))
