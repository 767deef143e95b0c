"""One run of the editor: the data being collected, and what is to be done with it afterwards."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from driftsched.studio.scenario_editor.draft import Data, Draft

__all__ = ["Edit", "pick"]


@dataclass
class Edit:
    """Sections write into `data`; changes of structure wait in `operations` for the end of the run.

    So a button loses nothing that other widgets hold.
    """

    draft: Draft
    data: Data
    operations: list[Callable[[], None]] = field(default_factory=list)


def pick(edit: Edit, items: list[Data], what: str, fresh: Callable[[], Data]) -> int | None:
    """Draw a chooser for one of `items`, with buttons to add, copy, remove and move; its index.

    Parameters
    ----------
    items : list of dict
        Each with a name; changed in place after the run.
    what : str
        Singular noun, for labels.
    fresh : callable
        Makes the item that "Add" appends.
    """
    draft = edit.draft
    remembered = f"at-{what}"
    at = min(int(draft.frames.get(remembered, 0)), len(items) - 1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if items:
            widget = draft.key(remembered)
            at = st.selectbox(
                what.capitalize(),
                range(len(items)),
                index=draft.first(widget, at),
                key=widget,
                format_func=lambda n: f"{n + 1}. {items[n].get('name')}",
                help=f"Which {what} is edited below.",
                width=240,
            )
            draft.frames[remembered] = at
        _buttons(edit, items, what, at, fresh)
    return at if items else None


def _buttons(edit: Edit, items: list[Data], what: str, at: int, fresh: Callable[[], Data]) -> None:
    def put(place: int, item: Data) -> None:
        items.insert(place, item)
        _remember(edit, what, place)

    def move(step: int) -> None:
        items.insert(at + step, items.pop(at))
        _remember(edit, what, at + step)

    def remove() -> None:
        items.pop(at)
        _remember(edit, what, max(0, at - 1))

    none, last = not items, at >= len(items) - 1
    actions: list[tuple[str, str, str, bool, Callable[[], None]]] = [
        ("add", "Add", f"Add a {what} at the end.", False, lambda: put(len(items), fresh())),
        ("arrow_upward", "", "Move it one place up.", none or at == 0, lambda: move(-1)),
        ("arrow_downward", "", "Move it one place down.", none or last, lambda: move(1)),
        ("delete", "", f"Remove this {what}.", len(items) < 2, remove),
    ]
    for icon, text, explained, off, act in actions:
        name = edit.draft.key(f"{what}-{icon}")
        shown: Any = f":material/{icon}:"
        if st.button(text, key=name, icon=shown, help=explained, disabled=off):
            edit.operations.append(act)


def _remember(edit: Edit, what: str, at: int) -> None:
    edit.draft.after[f"at-{what}"] = at


def copied(data: Data) -> Data:
    """Deep copy of plain data."""
    return copy.deepcopy(data)
