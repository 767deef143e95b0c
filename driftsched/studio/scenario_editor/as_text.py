"""The whole scenario as YAML: read, edit, download, upload; and its JSON schema."""

from __future__ import annotations

import json

import streamlit as st

from driftsched.core.errors import InputError, ScenarioError
from driftsched.scenario import Scenario, from_yaml, json_schema, to_yaml
from driftsched.studio.downloads import download
from driftsched.studio.scenario_editor.draft import Draft
from driftsched.studio.show import problem
from driftsched.studio.state import set_scenario
from driftsched.studio.traces import check_browser_scenario

__all__ = ["as_text", "browser_yaml"]

MAX_CHARACTERS = 300_000
_TEXT = "scenario-yaml"


def browser_yaml(text: str) -> Scenario:
    """Read YAML that came from a browser.

    Raises
    ------
    ScenarioError
        It is too long, is not a scenario, or names a file of the server.
    """
    if len(text) > MAX_CHARACTERS:
        raise ScenarioError(
            f"scenario must have at most {MAX_CHARACTERS} characters, got {len(text)}"
        )
    return check_browser_scenario(from_yaml(text))


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
        help="Everything a run depends on. Change it here and apply, or keep it as a file.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
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
        download(
            "YAML",
            current.encode,
            f"{scenario.name}.yaml",
            "application/yaml",
            "yaml-download",
            "The scenario in force, as a file.",
        )
        download(
            "JSON schema",
            lambda: json.dumps(json_schema(), indent=2).encode(),
            "scenario.schema.json",
            "application/json",
            "schema-download",
            "Rules of a scenario file, for editors that check and complete while you type.",
        )
    file = st.file_uploader(
        "Upload a scenario file",
        type=["yaml", "yml"],
        key=draft.key("yaml-upload"),
        max_upload_size=1,
        help="A YAML file as downloaded here. It replaces the scenario if it is valid.",
    )
    if apply:
        draft.yaml_offered = text  # untouched from now on
        _apply(draft, text)
    elif file is not None:
        _apply(draft, file.getvalue().decode("utf-8-sig", errors="replace"))


def _apply(draft: Draft, text: str) -> None:
    try:
        draft.take(browser_yaml(text))
    except InputError as error:
        draft.yaml_offered = ""
        problem(error, "Not applied: ")
    else:
        set_scenario(draft.base)
        st.rerun()
