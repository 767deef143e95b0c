"""The whole scenario as YAML, to read, edit and apply."""

from __future__ import annotations

import streamlit as st

from driftsched.scenario import Scenario, to_yaml
from driftsched.studio.scenario_editor.draft import Draft
from driftsched.studio.scenario_editor.kept import browser_yaml, taken

_TEXT = "scenario-yaml"


def as_text(draft: Draft, scenario: Scenario) -> None:
    """Draw the text with its buttons; applying it replaces the session's scenario.

    Untouched text follows the scenario; what somebody typed stays.
    """
    current = to_yaml(scenario)
    typed = st.session_state.get(_TEXT, draft.yaml_typed)
    st.session_state[_TEXT] = current if typed in ("", draft.yaml_offered) else typed
    draft.yaml_offered = current
    draft.yaml_typed = text = st.text_area(
        "Scenario as YAML",
        key=_TEXT,
        height=480,
        help="Everything a run depends on. Change it here and apply.",
    )
    with st.container(horizontal=True):
        apply = st.button(
            "Apply",
            key="yaml-apply",
            type="primary",
            disabled=text == current,
            help="Replace the scenario by this text.",
        )
        st.button(
            "Undo",
            key="yaml-undo",
            disabled=text == current,
            help="Show the scenario in force again.",
            on_click=lambda: st.session_state.update({_TEXT: ""}),
        )
    if apply:
        draft.yaml_offered = text  # untouched from now on
        taken(draft, lambda: browser_yaml(text))
        draft.yaml_offered = ""
