"""Tenants as a table: one row a tenant, one column a field, those of slo and limits too."""

from __future__ import annotations

import math
from collections.abc import Collection
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import pandas as pd
import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.words import hint, label

__all__ = ["edit_rows"]


def edit_rows(
    draft: Draft,
    model: type[BaseModel],
    rows: list[Data],
    key: str,
    skip: Collection[str] = (),
) -> list[Data]:
    """Draw a table that rows can be added to and removed from, and return what it holds.

    Parameters
    ----------
    model : type
        Of one row; a field that is a model itself gives a column for each of its fields.
    rows : list of dict
        Shown first.
    skip : collection of str
        Fields without a column; the rows returned lack them.
    """
    flat = _flat(model).items()
    fields = {path: field for path, field in flat if path.partition(".")[0] not in skip}
    widget = draft.key(key)
    if widget not in st.session_state or widget not in draft.frames:
        draft.frames[widget] = _frame(fields, rows)
    frame: pd.DataFrame = draft.frames[widget]
    edited = st.data_editor(
        frame,
        key=widget,
        num_rows="dynamic",
        hide_index=True,
        column_config={path: _column(path, field) for path, field in fields.items()},
    )
    return [_row(fields, record) for record in edited.to_dict("records")]


def _flat(model: type[BaseModel]) -> dict[str, FieldInfo]:
    fields: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields |= {f"{name}.{inner}": info for inner, info in _flat(kind).items()}
        else:
            fields[name] = field
    return fields


def _frame(fields: dict[str, FieldInfo], rows: list[Data]) -> pd.DataFrame:
    columns = {}
    for path, field in fields.items():
        values = [_at(row, path) for row in rows]
        columns[path] = pd.Series(values, dtype="float64" if _is_number(field) else "object")
    return pd.DataFrame(columns)


def _at(row: Data, path: str) -> Any:
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_number(field: FieldInfo) -> bool:
    return bool({int, float} & {field.annotation, *get_args(field.annotation)})


def _is_whole(field: FieldInfo) -> bool:
    return int in (field.annotation, *get_args(field.annotation))


def _column(path: str, field: FieldInfo) -> Any:
    name, explained = label(path.rpartition(".")[2]), hint(field)
    if path.startswith("limits."):
        name = f"Limit: {name[:1].lower()}{name[1:]}"
    elif path.startswith("slo."):
        name = f"SLO: {name}"
    default = None if field.is_required() else field.default
    if get_origin(field.annotation) is Literal:
        return st.column_config.SelectboxColumn(
            name, options=list(get_args(field.annotation)), help=explained, default=default
        )
    if _is_number(field):
        first = 0.0 if path == "share" else default
        form = {"format": "%d", "step": 1} if _is_whole(field) else {"format": "%g"}
        return st.column_config.NumberColumn(name, help=explained, default=first, **form)
    return st.column_config.TextColumn(name, help=explained, default=default)


def _row(fields: dict[str, FieldInfo], record: dict[Any, Any]) -> Data:
    row: Data = {}
    for path, field in fields.items():
        value = record[path]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            optional = NoneType in get_args(field.annotation)
            value = None if optional or field.is_required() else field.default
        elif _is_whole(field) and float(value).is_integer():
            value = int(value)
        *parents, last = path.split(".")
        node = row
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return row
