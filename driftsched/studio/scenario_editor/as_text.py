"""The whole scenario as YAML: read, edit, download, upload; and its JSON schema."""

from __future__ import annotations

import json

import streamlit as st

from driftsched.core.errors import InputError, ScenarioError
from driftsched.scenario import Scenario, from_yaml, json_schema, to_yaml
from driftsched.studio.downloads import download
from driftsched.studio.scenario_editor.draft import Draft
from driftsched.studio.state import set_scenario
from driftsched.studio.traces import check_browser_scenario

__all__ = ["as_text", "browser_yaml"]

MAX_CHARACTERS = 300_000


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
    """Draw the text with its buttons; applying it replaces the session's scenario."""
    current = to_yaml(scenario)
    key = _follow(draft, current)
    draft.yaml_text = st.text_area(
        "Scenario as YAML",
        value=draft.first(key, draft.yaml_text),
        key=key,
        height=480,
        help="Everything a run depends on. Change it here and apply, or keep it as a file.",
    )
    touched = draft.yaml_text != current
    with st.container(horizontal=True, vertical_alignment="center"):
        apply = st.button(
            "Apply",
            key="yaml-apply",
            type="primary",
            disabled=not touched,
            help="Replace the scenario by this text.",
        )
        undo = st.button(
            "Undo",
            key="yaml-undo",
            disabled=not touched,
            help="Show the scenario in force again.",
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
            _schema,
            "scenario.schema.json",
            "application/json",
            "schema-download",
            "Rules of a scenario file, for editors that check and complete while you type.",
        )
    if undo:
        draft.yaml_seed = ""
        draft.yaml_text = current
        draft.yaml_generation += 1
        st.rerun()
    if apply:
        _apply(draft, draft.yaml_text)
    _upload(draft)


def _schema() -> bytes:
    return json.dumps(json_schema(), indent=2).encode()


def _follow(draft: Draft, current: str) -> str:
    """Untouched text follows the scenario; what somebody typed stays."""
    typed = st.session_state.get(f"yaml-{draft.yaml_generation}", draft.yaml_text)
    if typed == draft.yaml_seed and current != draft.yaml_seed:
        draft.yaml_generation += 1
        draft.yaml_text = typed = current
    if typed == current:
        draft.yaml_seed = current
    return f"yaml-{draft.yaml_generation}"


def _apply(draft: Draft, text: str) -> None:
    try:
        scenario = browser_yaml(text)
    except InputError as error:
        st.error(f"Not applied: {error}".replace("](", "] ("), icon=":material/error:")
        return
    draft.yaml_seed = text
    draft.take(scenario)
    set_scenario(scenario)
    st.rerun()


def _upload(draft: Draft) -> None:
    file = st.file_uploader(
        "Upload a scenario file",
        type=["yaml", "yml"],
        key=f"yaml-upload-{draft.generation}",
        max_upload_size=1,
        help="A YAML file as downloaded here. It replaces the scenario if it is valid.",
    )
    if file is None:
        return
    try:
        text = file.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        st.error(
            f"Not applied: the file must be UTF-8 text: {error.reason}", icon=":material/error:"
        )
        return
    _apply(draft, text)
