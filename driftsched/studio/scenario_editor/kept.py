"""Scenarios as text: kept by name on this server, opened from a file, saved as one, typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from driftsched.core.errors import DriftSchedError, InputError, ScenarioError
from driftsched.core.home import home
from driftsched.results.files import io_errors, write_file
from driftsched.scenario import Scenario, from_yaml, to_yaml
from driftsched.studio.downloads import download
from driftsched.studio.scenario_editor.draft import Draft
from driftsched.studio.show import problem
from driftsched.studio.state import change_view
from driftsched.studio.traces import check_browser_scenario

MAX_CHARACTERS = 300_000
MOST_KEPT = 500
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MINE, _YAML = "kept_here", "scenario-yaml"


def kept_names() -> list[str]:
    """Names of the scenarios that are kept on this server."""
    found = (path.stem for path in _folder().glob("*.yaml"))
    return sorted(name for name in found if NAME.fullmatch(name))


def kept(name: str) -> Scenario:
    """The scenario kept under a name; raises ``ScenarioError`` where there is none."""
    if name not in kept_names():
        raise ScenarioError(f"name must be one that is kept on this server, got {name[:60]!r}")
    return browser_yaml((_folder() / f"{name}.yaml").read_text("utf-8"))


def keep(scenario: Scenario, name: str, *, replace: bool = False) -> None:
    """Keep a scenario for everybody who uses this server.

    Raises ``ScenarioError``: the name is none, or taken (unless it may be replaced), or there is no
    room.
    """
    if not NAME.fullmatch(name):
        raise ScenarioError(
            f"name must be 1 to 64 small letters, digits, - or _, got {name[:70]!r}"
        )
    names = kept_names()
    if name in names and not replace:
        raise ScenarioError(f"name must not be taken on this server, got {name!r}")
    if len(names) >= MOST_KEPT:
        raise ScenarioError(f"a server keeps {MOST_KEPT} scenarios at most")
    text = to_yaml(scenario)
    if len(text) > MAX_CHARACTERS:
        raise ScenarioError(f"a kept scenario has at most {MAX_CHARACTERS:,} characters as YAML")
    with io_errors("keep the scenario"):
        _folder().mkdir(parents=True, exist_ok=True)
        write_file(_folder() / f"{name}.yaml", text.encode())


def browser_yaml(text: str) -> Scenario:
    """Read YAML that came from a browser.

    Raises ``ScenarioError``: it is too long, is not a scenario, or names a file of the server.
    """
    if len(text) > MAX_CHARACTERS:
        raise ScenarioError(
            f"scenario must have at most {MAX_CHARACTERS} characters, got {len(text)}"
        )
    return check_browser_scenario(from_yaml(text))


def _folder() -> Path:
    return home() / "scenarios"


def open_and_save(draft: Draft, scenario: Scenario) -> None:
    """Draw what opens a scenario and what saves the one in force; always in sight."""
    with st.container(horizontal=True, gap="small", key="scenario-bar"):
        with st.popover("Open", icon=":material/folder_open:"):
            _open(draft)
        with st.popover("Save", icon=":material/save:"):
            _save(scenario)


def _open(draft: Draft) -> None:
    names = kept_names()
    name = st.selectbox(
        "Kept on this server",
        names,
        index=None,
        key=draft.key("kept"),
        disabled=not names,
        placeholder="Choose one" if names else "None yet: Save keeps one",
    )
    file = st.file_uploader(
        "Or a file (YAML)",
        type=["yaml", "yml"],
        key=draft.key("yaml-upload"),
        max_upload_size=1,
        help="As Save gives it. It replaces the scenario if it is valid.",
    )
    if name is not None:
        taken(draft, lambda: kept(name))
    elif file is not None:
        taken(draft, lambda: browser_yaml(file.getvalue().decode("utf-8-sig", errors="replace")))


def _save(scenario: Scenario) -> None:
    mine = st.session_state.setdefault(_MINE, set())
    name = st.text_input("Name on this server", scenario.name, key="scenario-keep-name")
    if st.button(
        "Keep",
        key="scenario-keep",
        icon=":material/bookmark_add:",
        help="All who use this server can open it; only you, until you leave, can replace it.",
    ):
        try:
            keep(scenario, name, replace=name in mine)
        except DriftSchedError as error:
            problem(error)
        else:
            mine.add(name)
            st.toast(f"Kept as {name}", icon=":material/bookmark_added:")
    download(
        "File (YAML)",
        to_yaml(scenario).encode,
        f"{scenario.name}.yaml",
        "yaml-download",
        "The scenario in force, for this page and the command line.",
    )


def taken(draft: Draft, read: Callable[[], Scenario]) -> None:
    """Put what `read` gives in force, and run the page again; say why it cannot be."""
    try:
        draft.take(read())
    except InputError as error:
        problem(f"Not opened: {error}")
    else:
        change_view(scenario=draft.base)
        st.rerun()


def as_text(draft: Draft, scenario: Scenario) -> None:
    """Draw the text with its buttons; applying it replaces the session's scenario.

    Untouched text follows the scenario; what somebody typed stays.
    """
    current = to_yaml(scenario)
    typed = st.session_state.get(_YAML, draft.yaml_typed)
    st.session_state[_YAML] = current if typed in ("", draft.yaml_offered) else typed
    draft.yaml_offered = current
    draft.yaml_typed = text = st.text_area(
        "Scenario as YAML",
        key=_YAML,
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
            on_click=lambda: st.session_state.update({_YAML: ""}),
        )
    if apply:
        draft.yaml_offered = text  # untouched from now on
        taken(draft, lambda: browser_yaml(text))
        draft.yaml_offered = ""
