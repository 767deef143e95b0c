"""Fields that name something of the same scenario: what they may name, and widgets for them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.names import normalised

__all__ = ["edit_pairs", "edit_shares", "names_for", "pick_name", "pick_names"]

LISTS = {
    "tenants": "tenants",
    "tenant": "tenants",
    "tenant_arrivals": "tenants",
    "shares": "tenants",
    "categories": "categories",
    "category": "categories",
    "mix": "categories",
    "phase": "phases",
    "gpu": "gpus",
    "model": "models",
}
"""Field → which names of the scenario it may hold."""
NONE = "(none)"
NOTHING = {"phase": "(whole run)", "gpu": "(the cluster's)", "model": "(the cluster's)"}
EMPTY = {"tenants": "All", "categories": "All"}
MOST_SHARES = 16


def names_for(draft: Draft, field: str) -> list[str] | None:
    """Names that a field may hold; None where it is no such field."""
    return draft.names.get(LISTS.get(field, ""))


def pick_names(
    draft: Draft,
    names: Sequence[str],
    value: Sequence[str],
    key: str,
    label: str,
    explained: str | None,
    format_func: Callable[[str], str] = str,
) -> list[str]:
    """Draw a chooser for any number of names."""
    widget = draft.key(f"{key}.{_digest(names)}")
    first = draft.first(widget, [name for name in value if name in names])
    chosen: list[str] = st.multiselect(
        label,
        names,
        default=first,
        key=widget,
        help=explained,
        format_func=format_func,
        placeholder=EMPTY.get(key.rpartition(".")[2], "None"),
    )
    return chosen


def pick_name(
    draft: Draft,
    names: Sequence[str],
    value: str | None,
    key: str,
    label: str,
    explained: str | None,
    optional: bool,
) -> str | None:
    """Draw a chooser for one name, or none where that is allowed."""
    nothing = NOTHING.get(key.rpartition(".")[2], NONE)
    options = [nothing, *names] if optional else list(names)
    widget = draft.key(f"{key}.{_digest(options)}")
    first = draft.first(widget, options.index(value) if value in options else 0)
    chosen = st.selectbox(label, options, index=first, key=widget, help=explained)
    return None if chosen == nothing or chosen is None else chosen


def edit_shares(
    draft: Draft, names: Sequence[str], shares: Data, key: str, put: Callable[[Data], None]
) -> Data:
    """Draw a number for each name, their sum, and a button that makes it 1.

    Parameters
    ----------
    put : callable
        Called after the run with the shares made to add up.
    """
    if len(names) > MOST_SHARES:
        st.caption(f"These are {len(names)}; edit their shares as YAML.")
        return shares
    edited: Data = {}
    for start in range(0, len(names), 3):
        for column, number in zip(st.columns(3), range(start, len(names)), strict=False):
            name = names[number]
            with column:
                widget = draft.key(f"{key}.{number}")
                typed = st.number_input(
                    name,
                    value=draft.first(widget, float(shares.get(name) or 0.0)),
                    step=0.05,
                    format="%g",
                    key=widget,
                    help=f"Share of {name}, 0 to 1.",
                )
            if typed or name in shares:
                edited[name] = typed
    total = sum(share or 0 for share in edited.values())
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Make them add up",
            key=draft.key(f"{key}.add-up"),
            icon=":material/balance:",
            type="tertiary",
            help="Scale these shares by the same factor so that they add up to 1.",
        ):
            draft.operations.append(lambda: put(normalised(edited)))
        st.caption(f"They add up to {total:.4g}.")
    return edited


def edit_pairs(
    draft: Draft, value: dict[str, Any] | None, key: str, label: str, explained: str | None
) -> dict[str, str] | None:
    """Draw a table of two columns: name and what it stands for."""
    st.markdown(f"**{label}**", help=explained)
    widget = draft.key(key)
    pairs = list((value or {}).items())
    if widget not in st.session_state or widget not in draft.frames:
        draft.frames[widget] = pd.DataFrame(pairs, columns=["From", "To"], dtype="object")
    frame: pd.DataFrame = draft.frames[widget]
    edited = st.data_editor(frame, key=widget, num_rows="dynamic", hide_index=True)
    rows = edited.dropna().to_dict("records")
    return {str(row["From"]): str(row["To"]) for row in rows} or None


def _digest(names: Sequence[str]) -> str:
    """Part of a key: other options make another widget, which starts from the data again."""
    return f"{zlib.crc32(chr(0).join(names).encode()):08x}"
