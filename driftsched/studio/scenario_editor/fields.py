"""A widget for each field of a model, made from the model: a new field or kind shows by itself."""

from __future__ import annotations

import math
from collections.abc import Collection
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.kinds import edit_kind, kinds_in
from driftsched.studio.scenario_editor.words import hint, label
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
    names = [n for n in model.model_fields if (only is None or n in only) and n not in skip]
    for name in [name for name in names if _compound(model.model_fields[name].annotation)]:
        names.remove(name)
        st.caption(f"{label(name)}: edit as YAML.", help=hint(model.model_fields[name]))
    simple = [name for name in names if not _nested(model.model_fields[name])]
    truths = [name for name in simple if model.model_fields[name].annotation is bool]
    others = [name for name in simple if name not in truths]
    rows = [others[start : start + columns] for start in range(0, len(others), columns)]
    for row in [*rows, *([name] for name in truths)]:
        places = st.columns(columns if row[0] in others else 1, vertical_alignment="bottom")
        for column, name in zip(places, row, strict=False):
            with column:
                field = model.model_fields[name]
                edited[name] = _edit_value(draft, field, name, data.get(name), f"{key}.{name}")
    for name in (name for name in names if name not in simple):
        field = model.model_fields[name]
        edited[name] = _edit_nested(draft, field, name, data.get(name), f"{key}.{name}", columns)
    return edited


def _compound(annotation: Any) -> bool:
    """Whether a field holds names with values, or a list of models: no widget suits it."""
    if get_origin(annotation) is dict:
        return True
    inner = get_args(annotation)
    if get_origin(annotation) is tuple:
        return any(_model_in(part) or kinds_in(part) for part in inner)
    return any(_compound(part) for part in inner if get_origin(part) is not None)


def _nested(field: FieldInfo) -> bool:
    return bool(kinds_in(field.annotation) or _model_in(field.annotation))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None


def _edit_nested(
    draft: Draft, field: FieldInfo, name: str, value: Any, key: str, columns: int
) -> Any:
    kinds = kinds_in(field.annotation)
    if kinds:
        optional = NoneType in get_args(field.annotation)
        chosen = edit_kind(draft, kinds, value, key, label(name), hint(field), optional)
        if chosen is None or not set(kinds[chosen["kind"]].model_fields) - {"kind"}:
            return chosen
        inner_key = f"{key}.{chosen['kind']}"
        return edit_fields(
            draft, kinds[chosen["kind"]], chosen, inner_key, skip=("kind",), columns=columns
        )
    model = _model_in(field.annotation)
    if model is None:
        return value
    st.markdown(f"**{label(name)}**", help=(model.__doc__ or "").strip())
    return edit_fields(draft, model, value or {}, key, columns=columns)


def _edit_value(draft: Draft, field: FieldInfo, name: str, value: Any, key: str) -> Any:
    widget, shown, explained = draft.key(key), label(name), hint(field)
    kind = field.annotation
    options = get_args(kind)
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
        text = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value or ())
        first = draft.first(widget, text)
        typed = st.text_input(shown, value=first, key=widget, help=explained)
        return _items(typed, "str" not in str(kind))
    if {int, float} & {kind, *options}:
        return _edit_number(draft, field, value, widget, shown, explained)
    return st.text_input(shown, value=draft.first(widget, value or ""), key=widget, help=explained)


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
