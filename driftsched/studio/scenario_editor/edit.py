"""One run of the editor: the data being collected, and choosers for items of a list."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from driftsched.studio.scenario_editor.draft import Data, Draft

__all__ = ["Edit", "copied", "pick"]

Say = Callable[[Data], str]


@dataclass
class Edit:
    """Sections write into `data`; changes of structure wait in the draft for the end of the run."""

    draft: Draft
    data: Data


def pick(
    draft: Draft,
    items: list[Data],
    what: str,
    fresh: Callable[[], Data],
    *,
    key: str = "",
    least: int = 1,
    say: Say | None = None,
) -> int | None:
    """Draw a chooser for one of `items`, with buttons to add, remove and move; its index.

    Parameters
    ----------
    items : list of dict
        Changed in place after the run.
    what : str
        Singular noun, for labels.
    fresh : callable
        Makes the item that "Add" appends.
    key : str
        Path of the list, where there are several of one noun.
    least : int
        So many cannot be removed.
    say : callable, optional
        Item → its words in the chooser; by default its name.
    """
    path = key or what
    words = say or (lambda item: str(item.get("name")))
    remembered = f"at-{path}"
    at = min(int(draft.frames.get(remembered, 0)), len(items) - 1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if items:
            widget = draft.key(remembered)
            at = st.selectbox(
                what.capitalize(),
                range(len(items)),
                index=draft.first(widget, at),
                key=widget,
                format_func=lambda n: f"{n + 1}. {words(items[n])}",
                help=f"Which {what} is edited below.",
                width=280,
            )
            draft.frames[remembered] = at
        _buttons(draft, items, what, path, at, least, fresh)
    return at if items else None


def _buttons(
    draft: Draft,
    items: list[Data],
    what: str,
    path: str,
    at: int,
    least: int,
    fresh: Callable[[], Data],
) -> None:
    def put(place: int, item: Data) -> None:
        items.insert(place, item)
        draft.after[f"at-{path}"] = place

    def move(step: int) -> None:
        put(at + step, items.pop(at))

    def remove() -> None:
        items.pop(at)
        draft.after[f"at-{path}"] = max(0, at - 1)

    last = at >= len(items) - 1
    adding = "Add" if items else f"Add a {what}"
    actions: list[tuple[str, str, str, bool, Callable[[], None]]] = [
        ("add", adding, f"Add a {what} at the end.", False, lambda: put(len(items), fresh())),
        ("arrow_upward", "", "Move it one place up.", at <= 0, lambda: move(-1)),
        ("arrow_downward", "", "Move it one place down.", last, lambda: move(1)),
        ("delete", "", f"Remove this {what}.", len(items) <= least, remove),
    ]
    for icon, text, explained, off, act in actions:
        if icon != "add" and not items:
            continue
        name = draft.key(f"{path}-{icon}")
        shown: Any = f":material/{icon}:"
        if st.button(text, key=name, icon=shown, help=explained, disabled=off):
            draft.operations.append(act)


def copied(data: Data) -> Data:
    """Deep copy of plain data."""
    return copy.deepcopy(data)
