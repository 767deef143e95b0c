"""The Scenario page's editor: a group of fields, beside it what will happen, below in pictures."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.scenario import parse_scenario
from driftsched.studio.scenario_editor.draft import Draft, open_draft
from driftsched.studio.scenario_editor.kept import as_text, open_and_save
from driftsched.studio.scenario_editor.previews import pictures, preview
from driftsched.studio.scenario_editor.sections import GROUPS, SECTIONS
from driftsched.studio.state import Key, change_view, get_scenario, get_view, segments
from driftsched.studio.traces import check_browser_scenario
from driftsched.studio.words import plain

TEXT = "YAML"


def editor() -> None:
    """Draw the editor. A valid edit becomes the session's scenario, an invalid one is explained."""
    draft = open_draft()
    open_and_save(draft, get_scenario())
    top = st.container()
    left, right = st.columns([5, 3], gap="medium")
    with left:
        chosen = segments(
            "Part of the scenario",
            [*GROUPS, TEXT],
            default=next(iter(GROUPS)),
            key=Key.GROUP,
            persist_state="session",
            label_visibility="collapsed",
        )
        # What was typed last may come together with the choice: its fields are read once more.
        group = draft.group or chosen
        for name in GROUPS.get(str(group), ()):
            draw, _, about = SECTIONS[name]
            st.header(name, anchor=False, help=about)
            draw(draft)
        if group == TEXT:
            as_text(draft, get_scenario())
    problem = _finish(draft)
    draft.group = chosen
    if group != chosen:
        st.rerun()
    if problem:
        _explain(draft, problem, top)
    with right:
        seen = preview(get_view())
    if seen is not None:
        pictures(get_scenario(), seen)


def _finish(draft: Draft) -> str:
    """Put what was typed in force if it is valid, else say why it is not."""
    if draft.operations:
        for operation in draft.operations:
            operation()
        draft.take(draft.data)
        st.rerun()
    wanted = draft.wanted()
    if wanted["trace"] is not None and (draft.unread or not wanted["trace"]["file"]):
        return ""  # what is wrong, or to be done first, is said where it is mended
    try:
        scenario = check_browser_scenario(parse_scenario(wanted))
        _ = get_view().changed(scenario=scenario).effective
    except InputError as error:
        return str(error)
    if scenario != draft.base:
        draft.base = scenario
        change_view(scenario=scenario)
        st.rerun()
    return ""


def _explain(draft: Draft, problem: str, top: Any) -> None:
    field = re.match(r"\w*", problem)
    root = field.group() if field else ""
    section = next((name for name, (_, fields, _) in SECTIONS.items() if root in fields), "Basics")
    group = next(group for group, sections in GROUPS.items() if section in sections)
    with top:
        st.error(
            f"**{group}:** {plain(problem)}. The last valid scenario stays in force until this is "
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
