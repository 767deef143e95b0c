"""A widget for each field of a model, made from the model: a new field or kind shows by itself."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from driftsched.studio.scenario_editor.draft import Data, Form
from driftsched.studio.scenario_editor.names import follow, names_of, new_name, normalised
from driftsched.studio.scenario_editor.schema import (
    Kinds,
    first_values,
    is_optional,
    item_of,
    kinds_in,
    model_in,
    parsed,
)
from driftsched.studio.scenario_editor.tables import (
    NAME,
    PAIR,
    columns_of,
    edit_rows,
    edit_shares,
)
from driftsched.studio.scenario_editor.words import EXPLAINED, NOTHING, hint, label, singular
from driftsched.studio.words import choice_label, plain

LONG = 300
"""Texts that may have more characters get more than one line."""
EDITORS: dict[type[BaseModel], Callable[..., Data]] = {}
"""Model of one of many parts → what draws it, where that is not `edit_fields`."""


@dataclass(frozen=True)
class Place:
    """A field, and where it stands in the scenario."""

    name: str
    field: FieldInfo
    path: str

    @property
    def type(self) -> Any:
        """The field's annotation: it chooses the widget."""
        return self.field.annotation

    @property
    def words(self) -> dict[str, Any]:
        """Label and help of its widget."""
        return {
            "label": label(self.name, self.field),
            "help": EXPLAINED.get(self.name) or hint(self.field),
        }

    @property
    def simple(self) -> bool:
        """Whether one widget holds it."""
        container, item = item_of(self.type)
        inner = item if container else self.type
        return container is not dict and not kinds_in(inner) and not model_in(inner)


def edit_fields(
    form: Form,
    model: type[BaseModel],
    data: Data,
    path: str,
    *,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
    columns: int = 3,
) -> Data:
    """Draw a widget for each field of a model and return what they hold; nothing is validated here.

    The fields' types choose the widgets, descriptions and bounds explain them. `data` is shown
    first, and stands at `path` in the scenario, which is part of the keys. `only` and `skip` choose
    fields; simple ones stand beside each other in so many `columns`.
    """
    edited = dict(data)
    places = [
        Place(name, field, f"{path}.{name}".lstrip("."))
        for name, field in model.model_fields.items()
        if (only is None or name in only) and name not in skip
    ]
    simple = [place for place in places if place.simple]
    simple.sort(key=lambda place: not place.field.is_required())
    beside = [place for place in simple if place.type is not bool]
    for start in range(0, len(beside), columns):
        row = st.columns(columns, vertical_alignment="bottom")
        for column, place in zip(row, beside[start : start + columns], strict=False):
            with column:
                edited[place.name] = _edit_value(form, place, data.get(place.name))
    for place in simple:
        if place.type is bool:
            edited[place.name] = _edit_value(form, place, data.get(place.name))
    for place in places:
        if not place.simple:
            edited[place.name] = _edit_structure(form, place, edited, columns)
    return edited


def _edit_value(form: Form, place: Place, value: Any) -> Any:
    kind, options, names = place.type, get_args(place.type), form.names(place.name)
    widget = place.words | {"key": form.key(place.path)}
    if kind is bool:
        return st.toggle(value=bool(value), **widget)
    if get_origin(kind) is Literal:
        return value if len(options) == 1 else _choose(options, value, widget, choice_label)
    if item_of(kind)[0] is tuple:
        return _edit_values(item_of(kind)[1], names, value or (), widget)
    if {int, float} & {kind, *options}:
        hold = NOTHING.get(place.name, "none") if NoneType in options else None
        if int in (kind, *options):
            return st.number_input(value=value, step=1, placeholder=hold, **widget)
        number = None if value is None else float(value)
        step = _step(number)
        return st.number_input(value=number, step=step, format="%g", placeholder=hold, **widget)
    if names is not None:
        known = [None, *names] if is_optional(kind) else names
        nothing = NOTHING.get(place.name, "(none)")
        return _choose(known, value, widget, lambda name: nothing if name is None else name)
    most = max((getattr(rule, "max_length", 0) for rule in place.field.metadata), default=0)
    if most > LONG:
        return st.text_area(value=value or "", height=80, **widget)
    hold = NOTHING.get(place.path, "")
    typed = st.text_input(value=value or "", placeholder=hold, **widget)
    return typed or (None if is_optional(kind) else "")


def _choose(
    options: Sequence[Any], value: Any, widget: dict[str, Any], say: Callable[[Any], str]
) -> Any:
    at = options.index(value) if value in options else 0
    return st.selectbox(options=options, index=at, format_func=say, **widget)


def _choose_some(
    options: Sequence[str],
    value: Sequence[str],
    widget: dict[str, Any],
    say: Callable[[str], str] = str,
    empty: str = "None",
) -> list[str]:
    """Draw a chooser of several; other options make another one, which starts from the data."""
    widget = widget | {"key": f"{widget['key']}.{'/'.join(options)}", "placeholder": empty}
    chosen = [one for one in value if one in options]
    return st.multiselect(options=options, default=chosen, format_func=say, **widget)


def _edit_values(
    item: Any, names: Sequence[str] | None, value: Sequence[Any], widget: dict[str, Any]
) -> list[Any]:
    """Draw a list of options, of names, of numbers or of words."""
    known, say = (get_args(item), choice_label) if get_origin(item) is Literal else (names, str)
    if known is not None:
        return _choose_some(known, value, widget, say, "All" if names else "None")
    text = ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    typed = st.text_input(value=text, **widget)
    parts = [part.strip() for part in typed.split(",") if part.strip()]
    return parts if "str" in str(item) else [_number(part) for part in parts]


def _edit_structure(form: Form, place: Place, holder: Data, columns: int) -> Any:
    """Draw a field that holds more than one widget can: kinds, a part, many of them, a mapping."""
    value, (container, item) = holder.get(place.name), item_of(place.type)
    optional, part = is_optional(place.type), model_in(item if container else place.type)
    if container is tuple:
        return _edit_many(form, place, list(value or []), columns)
    if container is dict and kinds_in(item):
        return _edit_named(form, place, value or {}, columns)
    if kinds := kinds_in(place.type):
        return edit_kind(form, kinds, value, place.path, place.words, columns, optional)
    shares = item in (int, float)
    words = place.words | ({"help": inspect.getdoc(part)} if part and not container else {})
    if optional and (shares or container is None):
        if not st.toggle(value=value is not None, key=form.key(f"{place.path}.on"), **words):
            return None
    else:
        st.markdown(f"**{words['label']}**", help=words["help"])
    if shares:
        names = form.names(place.name) or list(value or ())
        put = partial(holder.__setitem__, place.name)
        return edit_shares(form, names, value or _shares(form, names), place.path, put)
    if part is None:
        pairs = [{"from": name, "to": other} for name, other in (value or {}).items()]
        typed = edit_rows(form, PAIR, pairs, place.path)
        return {row["from"]: row["to"] for row in typed if row["from"] and row["to"]} or None
    if container is None:
        first = first_values(part) if value is None else value
        return edit_fields(form, part, first, place.path, columns=columns)
    rows = [{"name": name, **entry} for name, entry in (value or {}).items()]
    typed = edit_rows(form, {**NAME, **columns_of(part)}, rows, place.path)
    named = {row.pop("name") or f"own-{number}": row for number, row in enumerate(typed, 1)}
    follow(form.data, place.name, list(value or ()), list(named))
    return named or None


def _shares(form: Form, names: Sequence[str]) -> Data:
    """Shares to start from: the items' own, or equal ones."""
    own = {item["name"]: item.get("share", 1.0) for item in form.data.get("tenants", ())}
    return normalised({name: own.get(name, 1.0) for name in names})


def edit_kind(
    form: Form,
    kinds: Kinds,
    value: Data | None,
    path: str,
    words: dict[str, Any],
    columns: int,
    optional: bool = False,
) -> Data | None:
    """Draw a chooser of a kind, then its parameters; a kind just chosen gets first values."""
    name = path.rpartition(".")[2]
    known = [None, *kinds] if optional else list(kinds)
    lines = [words["help"] or ""]
    for kind, model in kinds.items():
        lines.append(f"- **{_title(kinds, kind)}**: {_rule(model)}")
    chosen = _choose(
        known,
        value and value.get("kind"),
        {"label": words["label"], "help": "\n".join(lines), "key": form.key(f"{path}.kind")},
        lambda kind: NOTHING.get(name, "None") if kind is None else _title(kinds, kind),
    )
    if chosen is None:
        return None
    if value is None or value.get("kind") != chosen:
        value = first_values(kinds[chosen], parsed(kinds, value), form.names)
    own = f"{path}.{chosen}"
    return edit_fields(form, kinds[chosen], value, own, skip=("kind",), columns=columns)


def _title(kinds: Kinds, kind: str) -> str:
    """A kind's name for people: its own label, if it has one."""
    own = getattr(kinds[kind], "label", None)
    return own if isinstance(own, str) else choice_label(kind)


def _rule(model: type[BaseModel]) -> str:
    """One line about a kind: its own rule, or how its description begins."""
    own = getattr(model, "rule", None)
    rule = own if isinstance(own, str) else (inspect.getdoc(model) or "").split("\n\n")[0]
    return rule.replace("\n", " ")


def _edit_many(form: Form, place: Place, items: list[Data], columns: int) -> list[Data]:
    """Draw one of many parts or events, which can be added, moved and removed."""
    item = item_of(place.type)[1]
    kinds, model = kinds_in(item), model_in(item)
    bounds = (getattr(part, "min_length", None) for part in place.field.metadata)
    least = next((bound for bound in bounds if bound is not None), 0)
    what, before = singular(place.name), names_of(items)

    def fresh() -> Data:
        if kinds or model is None:
            return first_values(next(iter(kinds.values())), names=form.names)
        one = copy.deepcopy(items[-1]) if items else first_values(model, names=form.names)
        return one | ({"name": new_name(what, before)} if "name" in model.model_fields else {})

    at = _pick(form, items, what, fresh, place.path, least, kinds)
    if at is None:
        return items
    path = f"{place.path}.{at}"
    if kinds:
        words = {"label": "Kind", "help": None}
        items[at] = edit_kind(form, kinds, items[at], path, words, columns) or items[at]
    elif model is not None:
        edit = EDITORS.get(model) or partial(edit_fields, model=model, columns=columns)
        items[at] = edit(form=form, data=items[at], path=path)
    follow(form.data, place.name, before, names_of(items))
    return items


def _edit_named(form: Form, place: Place, own: Data, columns: int) -> Data | None:
    """Draw parts by name: who has one, and one of them."""
    known, kinds = form.names(place.name) or list(own), kinds_in(item_of(place.type)[1])
    chosen = _choose_some(known, list(own), place.words | {"key": form.key(place.path)})
    first = kinds.get("poisson") or next(iter(kinds.values()))
    named = {name: own.get(name) or first_values(first) for name in chosen}
    if not named:
        return None
    at = chosen[0]
    if len(chosen) > 1:
        at = st.selectbox("Edited below", chosen, key=form.key(f"{place.path}.which"))
    words = {"label": f"Of {plain(at)}", "help": None}
    named[at] = edit_kind(form, kinds, named[at], f"{place.path}.{at}", words, columns)
    return named


def _pick(
    form: Form,
    items: list[Data],
    what: str,
    fresh: Callable[[], Data],
    path: str,
    least: int,
    kinds: Kinds,
) -> int | None:
    """Draw a chooser for one of `items`, with buttons to add, remove and move; its index.

    `items` is changed in place after the run; `least` of them cannot be removed.
    """
    at = min(form.chosen.get(path, 0), len(items) - 1)

    def put(place: int, item: Data) -> None:
        items.insert(place, item)
        form.chosen[path] = place

    def move(step: int) -> None:
        put(at + step, items.pop(at))

    def remove() -> None:
        items.pop(at)
        form.chosen[path] = max(0, at - 1)

    def button(icon: str, explained: str, act: Callable[[], None], off: bool, text: str) -> None:
        key, shown = form.key(f"{path}-{icon}"), f":material/{icon}:"
        if st.button(text, key=key, icon=shown, help=explained, disabled=off):
            form.operations.append(act)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if items:
            at = form.chosen[path] = st.selectbox(
                what.capitalize(),
                range(len(items)),
                index=at,
                key=form.key(f"{path}-at"),
                format_func=lambda place: f"{place + 1}. {_said(items[place], kinds)}",
                help=f"Which {what} is edited below.",
                width=280,
            )
        adding, last = "Add" if items else f"Add a {what}", at >= len(items) - 1
        button("add", f"Add a {what} at the end.", lambda: put(len(items), fresh()), False, adding)
        if not items:
            return None
        button("arrow_upward", "Move it one place up.", partial(move, -1), at <= 0, "")
        button("arrow_downward", "Move it one place down.", partial(move, 1), last, "")
        button("delete", f"Remove this {what}.", remove, len(items) <= least, "")
    return at


def _said(item: Data, kinds: Kinds) -> str:
    """Name one of many: its name, else its kind and when it happens, else its first values."""
    if not kinds:
        length = item.get("length") or {}
        plain = {
            name: value for name, value in item.items() if isinstance(value, str | int | float)
        }
        plain |= {"length": choice_label(length["kind"])} if length else {}
        said = ", ".join(f"{label(name)} {value}" for name, value in list(plain.items())[:3])
        return str(item.get("name") or said)
    one = parsed(kinds, item)
    words = getattr(one, "title", None) or choice_label(str(item.get("kind")))
    at, phase = getattr(one, "at_s", getattr(one, "from_s", None)), getattr(one, "phase", None)
    return words if at is None else f"{words} from {at:g} s{f' of {phase}' if phase else ''}"


def _step(value: float | None) -> float:
    """A tenth of the value's order of magnitude, so that the buttons are of use."""
    return float(10.0 ** (math.floor(math.log10(abs(value))) - 1)) if value else 0.1


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
