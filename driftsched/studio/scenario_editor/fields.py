"""A widget for each field of a model, made from the model: a new field or kind shows by itself."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from driftsched.studio.scenario_editor.choices import (
    edit_pairs,
    edit_shares,
    names_for,
    pick_name,
    pick_names,
)
from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.edit import copied, pick
from driftsched.studio.scenario_editor.kinds import edit_kind, first_values, kind_words
from driftsched.studio.scenario_editor.shapes import (
    is_optional,
    item_of,
    kinds_in,
    model_in,
    shape_of,
)
from driftsched.studio.scenario_editor.words import hint, label, singular
from driftsched.studio.words import choice_label

__all__ = ["edit_fields"]


def edit_fields(
    draft: Draft,
    model: type[BaseModel],
    data: Data,
    key: str,
    *,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
    columns: int = 3,
) -> Data:
    """Draw a widget for each field and return what they hold; nothing is validated here.

    Parameters
    ----------
    model : type
        Its fields' types choose the widgets, its descriptions and bounds explain them.
    data : dict
        Values shown first.
    key : str
        Path of `data` in the scenario; part of the widgets' keys.
    only, skip : collections of str
        Fields to draw, fields to leave alone.
    columns : int
        Simple fields beside each other.
    """
    edited = dict(data)
    chosen = [n for n in model.model_fields if (only is None or n in only) and n not in skip]
    chosen.sort(key=lambda name: not model.model_fields[name].is_required())
    shapes = {name: shape_of(model.model_fields[name].annotation) for name in chosen}
    simple = [name for name in chosen if shapes[name] == "value"]
    truths = [name for name in simple if model.model_fields[name].annotation is bool]
    others = [name for name in simple if name not in truths]
    rows = [others[start : start + columns] for start in range(0, len(others), columns)]
    for row in [*rows, *([name] for name in truths)]:
        places = st.columns(columns if row[0] in others else 1, vertical_alignment="bottom")
        for column, name in zip(places, row, strict=False):
            with column:
                field = model.model_fields[name]
                edited[name] = _edit_value(draft, field, name, data.get(name), f"{key}.{name}")
    for name in (name for name in chosen if name not in simple):
        field, path = model.model_fields[name], f"{key}.{name}"
        edited[name] = _edit_structure(draft, field, name, edited, path, columns)
    return edited


def _edit_structure(
    draft: Draft, field: FieldInfo, name: str, holder: Data, key: str, columns: int
) -> Any:
    kind, value = field.annotation, holder.get(name)
    shown, explained = label(name), hint(field)
    match shape_of(kind):
        case "kinds":
            return _edit_kinds(draft, field, name, value, key, columns)
        case "part":
            return _edit_part(draft, field, name, value, key, columns)
        case "many":
            return _edit_many(draft, field, name, value, key, columns)
        case "named":
            return _edit_named(draft, field, name, value, key, columns)
        case "pairs":
            return edit_pairs(draft, value, key, shown, explained)
    st.markdown(f"**{shown}**", help=explained)
    names = names_for(draft, name) or list(value or ())
    return edit_shares(draft, names, value or {}, key, lambda made: holder.update({name: made}))


def _edit_kinds(
    draft: Draft, field: FieldInfo, name: str, value: Any, key: str, columns: int
) -> Any:
    kinds = kinds_in(field.annotation)
    optional = is_optional(field.annotation)
    chosen = edit_kind(draft, kinds, value, key, label(name), hint(field), optional)
    return _parameters(draft, kinds, chosen, key, columns)


def _parameters(
    draft: Draft, kinds: Mapping[str, type[BaseModel]], chosen: Data | None, key: str, columns: int
) -> Data | None:
    if chosen is None or not set(kinds[chosen["kind"]].model_fields) - {"kind"}:
        return chosen
    model = kinds[chosen["kind"]]
    return edit_fields(
        draft, model, chosen, f"{key}.{chosen['kind']}", skip=("kind",), columns=columns
    )


def _edit_part(
    draft: Draft, field: FieldInfo, name: str, value: Any, key: str, columns: int
) -> Data | None:
    model = model_in(field.annotation)
    if model is None:  # pragma: no cover - told by its shape
        return None
    explained = (model.__doc__ or "").strip()
    if is_optional(field.annotation):
        widget = draft.key(f"{key}.on")
        first = draft.first(widget, value is not None)
        if not st.toggle(label(name), value=first, key=widget, help=explained):
            return None
        value = first_values(model) if value is None else value
    else:
        st.markdown(f"**{label(name)}**", help=explained)
    return edit_fields(draft, model, value or {}, key, columns=columns)


def _edit_many(
    draft: Draft, field: FieldInfo, name: str, value: Any, key: str, columns: int
) -> list[Data]:
    """Draw one of many parts or events, which can be added, moved and removed."""
    item, items = item_of(field.annotation), list(value or [])
    kinds, model = kinds_in(item), model_in(item)
    least = next((part.min_length for part in field.metadata if hasattr(part, "min_length")), 0)
    lookup = partial(names_for, draft)

    def fresh() -> Data:
        if kinds or model is None:
            return first_values(next(iter(kinds.values())), names=lookup)
        return copied(items[-1]) if items else first_values(model, names=lookup)

    def say(one: Data) -> str:
        return kind_words(kinds, one) if kinds else _said(one)

    at = pick(draft, items, singular(name), fresh, key=key, least=least, say=say)
    if at is None:
        return items
    if kinds:
        chosen = edit_kind(draft, kinds, items[at], f"{key}.{at}", "Kind", None)
        items[at] = _parameters(draft, kinds, chosen, f"{key}.{at}", columns) or items[at]
    elif model is not None:
        items[at] = edit_fields(draft, model, items[at], f"{key}.{at}", columns=columns)
    return items


def _edit_named(
    draft: Draft, field: FieldInfo, name: str, value: Any, key: str, columns: int
) -> Data | None:
    """Draw parts by name: who has one, and one of them."""
    own: Data = value or {}
    known = names_for(draft, name) or list(own)
    kinds = kinds_in(item_of(field.annotation))
    chosen = pick_names(draft, known, list(own), key, label(name), hint(field))
    fresh = partial(first_values, kinds.get("poisson") or next(iter(kinds.values())))
    named = {each: own.get(each) or fresh() for each in chosen}
    if not named:
        return None
    at: str | None = chosen[0]
    if len(chosen) > 1:
        at = pick_name(draft, chosen, at, f"{key}.which", "Edited below", None, optional=False)
    if at is not None:
        part = edit_kind(draft, kinds, named[at], f"{key}.{at}", f"Of {at}", None)
        named[at] = _parameters(draft, kinds, part, f"{key}.{at}", columns)
    return named


def _said(item: Data) -> str:
    """Name a part by its first values."""
    plain = [(n, v) for n, v in item.items() if isinstance(v, str | int | float)]
    if isinstance(item.get("length"), dict):
        plain.append(("length", choice_label(item["length"].get("kind", ""))))
    return ", ".join(f"{label(name)} {value}" for name, value in plain[:3])


def _edit_value(draft: Draft, field: FieldInfo, name: str, value: Any, key: str) -> Any:
    widget, shown, explained = draft.key(key), label(name), hint(field)
    kind = field.annotation
    options = get_args(kind)
    names = names_for(draft, name)
    if kind is bool:
        return st.toggle(shown, value=draft.first(widget, bool(value)), key=widget, help=explained)
    if get_origin(kind) is Literal:
        if len(options) == 1:
            return value
        at = draft.first(widget, options.index(value) if value in options else 0)
        return st.selectbox(
            shown, options, index=at, key=widget, format_func=choice_label, help=explained
        )
    if get_origin(kind) is tuple:
        return _edit_values(draft, kind, names, value, key, shown, explained)
    if {int, float} & {kind, *options}:
        return _edit_number(draft, field, value, widget, shown, explained)
    if names is not None:
        optional = is_optional(kind)
        return pick_name(draft, names, value, key, shown, explained, optional)
    typed = st.text_input(shown, value=draft.first(widget, value or ""), key=widget, help=explained)
    return typed or (None if is_optional(kind) else "")


def _edit_values(
    draft: Draft,
    kind: Any,
    names: Sequence[str] | None,
    value: Any,
    key: str,
    shown: str,
    explained: str | None,
) -> list[Any]:
    """Draw a list of names, of options, of numbers or of words."""
    item = item_of(kind)
    if get_origin(item) is Literal:
        options = get_args(item)
        return pick_names(draft, options, value or (), key, shown, explained, choice_label)
    if names is not None:
        return pick_names(draft, names, value or (), key, shown, explained)
    text = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value or ())
    widget = draft.key(key)
    typed = st.text_input(shown, value=draft.first(widget, text), key=widget, help=explained)
    return _items(typed, "str" not in str(kind))


def _edit_number(
    draft: Draft, field: FieldInfo, value: Any, widget: str, shown: str, explained: str | None
) -> int | float | None:
    options = get_args(field.annotation)
    hold = "none" if NoneType in options else None
    if int in (field.annotation, *options):
        whole: int | None = draft.first(widget, value)
        return st.number_input(
            shown, value=whole, step=1, key=widget, help=explained, placeholder=hold
        )
    number = draft.first(widget, None if value is None else float(value))
    return st.number_input(
        shown,
        value=number,
        step=_step(number),
        format="%g",
        key=widget,
        help=explained,
        placeholder=hold,
    )


def _step(value: Any) -> float:
    """A tenth of the value's order of magnitude, so that the buttons are of use."""
    if not isinstance(value, int | float) or not value:
        return 0.1
    return float(10.0 ** (math.floor(math.log10(abs(value))) - 1))


def _items(text: str, numbers: bool) -> list[Any]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [_number(part) for part in parts] if numbers else list(parts)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
