"""What changes while the run goes: drift of lengths and mixes, and events of the cluster."""

from __future__ import annotations

import streamlit as st

from driftsched.scenario import Scenario
from driftsched.studio.scenario_editor.edit import Edit
from driftsched.studio.scenario_editor.fields import edit_fields

__all__ = ["drift", "others"]


def drift(edit: Edit) -> None:
    """Edit the drift events, one at a time."""
    st.caption(
        "Drift changes how long prompts and answers are, or the mix of categories, while the "
        "traffic goes on: what the estimator has to learn. Times are those of the preview."
    )
    edit.data |= edit_fields(edit.draft, Scenario, edit.data, "", only=("drift",))


def others(edit: Edit, fields: tuple[str, ...]) -> None:
    """Edit parts of a scenario that have no tab of their own."""
    st.caption("What happens to the cluster while the run goes.")
    edit.data |= edit_fields(edit.draft, Scenario, edit.data, "", only=fields)
