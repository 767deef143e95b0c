"""The Scenario page's editor: sections, beside them what will happen, below it in pictures."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.scenario import parse_scenario
from driftsched.studio.scenario_editor.as_text import as_text
from driftsched.studio.scenario_editor.draft import Draft, open_draft
from driftsched.studio.scenario_editor.previews import pictures, preview
from driftsched.studio.scenario_editor.sections import SECTIONS
from driftsched.studio.state import get_scenario, set_scenario
from driftsched.studio.traces import check_browser_scenario
from driftsched.studio.words import plain

__all__ = ["editor"]


def editor() -> None:
    """Draw the editor. A valid edit becomes the session's scenario, an invalid one is explained."""
    draft = open_draft()
    top = st.container()
    left, right = st.columns([5, 3], gap="medium")
    places: dict[str, Any] = {}
    with left:
        tabs = st.tabs([*SECTIONS, "YAML"])
        for tab, (name, (draw, _)) in zip(tabs, SECTIONS.items(), strict=False):
            with tab:
                places[name] = st.container()
                draw(draft)
        with tabs[-1]:
            as_text(draft, get_scenario())
    problem = _finish(draft)
    if problem:
        _explain(draft, problem, top, places)
    with right:
        seen = preview(get_scenario())
    if seen is not None:
        pictures(get_scenario(), seen)


def _finish(draft: Draft) -> str:
    """Put what was typed in force if it is valid, else say why it is not."""
    if draft.operations:
        for operation in draft.operations:
            operation()
        draft.take(draft.data)
        st.rerun()
    try:
        scenario = check_browser_scenario(parse_scenario(draft.wanted()))
    except InputError as error:
        return str(error)
    if scenario != draft.base:
        draft.base = scenario
        set_scenario(scenario)
        st.rerun()
    return ""


def _explain(draft: Draft, problem: str, top: Any, places: dict[str, Any]) -> None:
    field = re.match(r"\w*", problem)
    root = field.group() if field else ""
    where = next((n for n, (_, fields) in SECTIONS.items() if root in fields), "Basics")
    with top:
        st.error(
            f"**{where}:** {plain(problem)}. The last valid scenario stays in force until this is "
            "mended.",
            icon=":material/error:",
        )
        if st.button(
            "Discard my changes",
            key="scenario-discard",
            icon=":material/undo:",
            help="Go back to the last valid scenario.",
        ):
            draft.take(draft.base)
            st.rerun()
    places[where].error(plain(problem), icon=":material/error:")
