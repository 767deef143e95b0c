"""When requests come: phases, or a recorded trace."""

from __future__ import annotations

import streamlit as st

from driftsched.scenario import Phase
from driftsched.studio.scenario_editor.choices import edit_shares
from driftsched.studio.scenario_editor.draft import Data
from driftsched.studio.scenario_editor.edit import Edit, copied, pick
from driftsched.studio.scenario_editor.fields import edit_fields
from driftsched.studio.scenario_editor.names import follow_lists, new_name, normalised
from driftsched.studio.scenario_editor.recorded import recorded

__all__ = ["traffic"]

SOURCES = {"phases": "Phases", "trace": "Recorded trace"}
ENDS = {"requests": "a number of requests", "duration_s": "a time"}


def traffic(edit: Edit) -> None:
    """Choose between phases and a trace, and edit the one chosen."""
    draft = edit.draft
    draft.source = st.radio(
        "Traffic from",
        list(SOURCES),
        index=draft.first(draft.key("source"), list(SOURCES).index(draft.source)),
        key=draft.key("source"),
        format_func=lambda name: SOURCES[name],
        horizontal=True,
        help="Phases are drawn from arrival processes; a trace repeats recorded requests.",
    )
    if draft.source == "trace":
        recorded(edit)
    else:
        _phases(edit)
    edit.draft.names["phases"] = [str(item.get("name")) for item in edit.data["phases"]]


def _phases(edit: Edit) -> None:
    items = edit.data["phases"]
    before = [str(item.get("name")) for item in items]
    at = pick(edit.draft, items, "phase", lambda: _fresh(edit, items))
    if at is None:
        return
    key = f"phases.{at}"
    phase = items[at]
    skip = ("requests", "duration_s", "mix", "shares")
    edited = edit_fields(edit.draft, Phase, phase, key, only=("name",), columns=1)
    edited |= _end(edit, phase, key)
    edited = edit_fields(edit.draft, Phase, edited, key, skip=("name", *skip))
    names = [str(c.get("name")) for c in edit.data["categories"]]
    st.markdown("**Mix**", help="Each category's share of this phase's requests; they add up to 1.")
    edited["mix"] = _shares(edit, names, phase.get("mix") or {}, f"{key}.mix", "mix", at)
    edited["shares"] = _own_shares(edit, phase, key, at)
    items[at] = edited
    follow_lists(edit.data["drift"], "phase", before, [str(item.get("name")) for item in items])


def _fresh(edit: Edit, items: list[Data]) -> Data:
    names = [str(item.get("name")) for item in items]
    if items:
        return copied(items[-1]) | {"name": new_name("phase", names)}
    mix = normalised({str(c.get("name")): 1.0 for c in edit.data["categories"]})
    arrivals = {"kind": "poisson", "rate_rps": 5.0}
    return {"name": "phase", "requests": 1000, "duration_s": None, "arrivals": arrivals, "mix": mix}


def _end(edit: Edit, phase: Data, key: str) -> Data:
    bound = "requests" if phase.get("duration_s") is None else "duration_s"
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        bound = st.selectbox(
            "Ends after",
            list(ENDS),
            index=edit.draft.first(edit.draft.key(f"{key}.ends"), list(ENDS).index(bound)),
            key=edit.draft.key(f"{key}.ends"),
            format_func=lambda name: ENDS[name],
            help="A phase ends after its requests have come, or when its time is over.",
        )
    start = {"requests": 1000, "duration_s": 60.0}
    with right:
        values = edit_fields(
            edit.draft,
            Phase,
            {bound: start[bound] if phase.get(bound) is None else phase[bound]},
            key,
            only=(bound,),
            columns=1,
        )
    return {"requests": None, "duration_s": None} | values


def _own_shares(edit: Edit, phase: Data, key: str, at: int) -> Data | None:
    own = phase.get("shares")
    if not st.toggle(
        "Other tenant shares in this phase",
        value=edit.draft.first(edit.draft.key(f"{key}.own"), own is not None),
        key=edit.draft.key(f"{key}.own"),
        help="Off: the tenants' own shares. On: shares for this phase alone.",
    ):
        return None
    rows = edit.data["tenants"]
    names = [str(row.get("name")) for row in rows]
    first = own if own is not None else {str(r.get("name")): r.get("share") or 0.0 for r in rows}
    return _shares(edit, names, first, f"{key}.shares", "shares", at)


def _shares(edit: Edit, names: list[str], shares: Data, key: str, field: str, at: int) -> Data:
    phases = edit.data["phases"]
    return edit_shares(
        edit.draft, names, shares, key, lambda made: phases[at].update({field: made})
    )
