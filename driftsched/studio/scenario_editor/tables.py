"""Tables to type into: rows of a model, a share for each name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import pandas as pd
import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from driftsched.studio.scenario_editor.draft import Data, Form
from driftsched.studio.scenario_editor.names import normalised
from driftsched.studio.scenario_editor.schema import is_optional
from driftsched.studio.scenario_editor.words import hint, label

Columns = Mapping[str, FieldInfo]
NAME: Columns = {"name": FieldInfo.from_annotation(str)}
PAIR: Columns = {"from": FieldInfo.from_annotation(str), "to": FieldInfo.from_annotation(str)}
SHARE = FieldInfo(annotation=float, description="part of the whole, 0 to 1")


def edit_rows(
    form: Form, columns: Columns, rows: list[Data], path: str, *, fixed: bool = False
) -> list[Data]:
    """Draw a table of `columns`, as `columns_of` gives them, and return its rows.

    Those of a `fixed` table are neither added nor removed, nor named anew.
    """
    key = form.key(path)
    edited = st.data_editor(
        form.frame(key, lambda: _frame(columns, rows)),
        key=key,
        num_rows="fixed" if fixed else "dynamic",
        disabled=["name"] if fixed else False,
        hide_index=True,
        column_config={place: _column(place, field) for place, field in columns.items()},
    )
    return [_row(columns, record) for record in edited.to_dict("records")]


def edit_shares(
    form: Form, names: Sequence[str], shares: Data, path: str, put: Callable[[Data], None]
) -> Data:
    """Draw a number for each name, their sum, and a button by which `put` gets them scaled to 1."""
    rows = [{"name": name, "share": float(shares.get(name) or 0.0)} for name in names]
    own = f"{path}.{'/'.join(names)}"  # other names make another table
    edited = edit_rows(form, {**NAME, "share": SHARE}, rows, own, fixed=True)
    made = {row["name"]: row["share"] for row in edited if row["share"] or row["name"] in shares}
    add_up(form, list(made.values()), path, lambda parts: put(dict(zip(made, parts, strict=True))))
    return made


def add_up(
    form: Form, shares: Sequence[float | None], path: str, put: Callable[[list[float]], None]
) -> None:
    """Say what shares add up to, beside a button that scales them to 1; `put` then takes them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Make them add up",
            key=form.key(f"{path}-add-up"),
            icon=":material/balance:",
            type="tertiary",
            help="Scale these shares by the same factor so that they add up to 1.",
        ):
            made = normalised({str(place): share for place, share in enumerate(shares)})
            form.operations.append(lambda: put(list(made.values())))
        st.caption(f"They add up to {sum(share or 0 for share in shares):.4g}.")


def columns_of(model: type[BaseModel], skip: Collection[str] = ()) -> dict[str, FieldInfo]:
    """Column → field of a row of `model`; those of a part are named "part.field"."""
    fields: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if name in skip:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields |= {f"{name}.{inner}": info for inner, info in columns_of(kind).items()}
        else:
            fields[name] = field
    return fields


def _frame(fields: Columns, rows: list[Data]) -> pd.DataFrame:
    flat = pd.json_normalize(rows) if rows else pd.DataFrame()
    table = flat.reindex(columns=list(fields)).astype(object)
    table = table.where(table.notna(), None)
    return table.astype({name: "float64" for name, field in fields.items() if _is_number(field)})


def _is_number(field: FieldInfo) -> bool:
    return bool({int, float} & {field.annotation, *get_args(field.annotation)})


def _is_whole(field: FieldInfo) -> bool:
    return int in (field.annotation, *get_args(field.annotation))


def _column(place: str, field: FieldInfo) -> Any:
    part, _, last = place.rpartition(".")
    name, explained = label(last, field), hint(field)
    if part:
        name = f"{label(part)}: {name}"
    default = None if field.is_required() else field.default
    if get_origin(field.annotation) is Literal:
        return st.column_config.SelectboxColumn(
            name, options=list(get_args(field.annotation)), help=explained, default=default
        )
    if _is_number(field):
        first = 0.0 if place == "share" else default
        form = {"format": "%d", "step": 1} if _is_whole(field) else {"format": "%g"}
        return st.column_config.NumberColumn(name, help=explained, default=first, **form)
    pinned = place == "name"
    return st.column_config.TextColumn(name, help=explained, default=default, pinned=pinned)


def _row(fields: Columns, record: dict[Any, Any]) -> Data:
    row: Data = {}
    for place, field in fields.items():
        value = record[place]
        if value is None or value != value:  # NaN
            empty = is_optional(field.annotation) or field.is_required()
            value = None if empty else field.default
        elif _is_whole(field) and float(value).is_integer():
            value = int(value)
        *parents, last = place.split(".")
        node = row
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return row
