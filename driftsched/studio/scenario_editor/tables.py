"""Tables to type into: rows of a model, a share for each name, pairs of words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, get_args, get_origin

import pandas as pd
import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.names import normalised
from driftsched.studio.scenario_editor.schema import is_optional
from driftsched.studio.scenario_editor.words import hint, label

__all__ = ["add_up", "edit_named_rows", "edit_pairs", "edit_rows", "edit_shares"]

NAME = {"name": FieldInfo.from_annotation(str)}


def edit_rows(
    draft: Draft,
    model: type[BaseModel],
    rows: list[Data],
    path: str,
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
    return _edit(draft, _columns(model, skip), rows, path)


def edit_named_rows(
    draft: Draft, model: type[BaseModel], entries: dict[str, Data], path: str
) -> dict[str, Data] | None:
    """Draw a table of entries by name, None where it is empty."""
    rows = [{"name": name, **entry} for name, entry in entries.items()]
    edited = _edit(draft, NAME | _columns(model), rows, path)
    return {row.pop("name") or f"own-{place}": row for place, row in enumerate(edited, 1)} or None


def _edit(draft: Draft, fields: dict[str, FieldInfo], rows: list[Data], path: str) -> list[Data]:
    key = draft.key(path)
    edited = st.data_editor(
        draft.frame(key, lambda: _frame(fields, rows)),
        key=key,
        num_rows="dynamic",
        hide_index=True,
        column_config={place: _column(place, field) for place, field in fields.items()},
    )
    return [_row(fields, record) for record in edited.to_dict("records")]


def edit_shares(
    draft: Draft, names: Sequence[str], shares: Data, path: str, put: Callable[[Data], None]
) -> Data:
    """Draw a number for each name, their sum, and a button that makes it 1.

    Parameters
    ----------
    put : callable
        Called after the run with the shares made to add up.
    """
    key = draft.key(f"{path}.{'/'.join(names)}")  # other names make another table
    values = [float(shares.get(name) or 0.0) for name in names]
    columns = {
        "Name": st.column_config.TextColumn(disabled=True),
        "Share": st.column_config.NumberColumn(format="%g", help="Part of the whole, 0 to 1."),
    }
    edited = st.data_editor(
        draft.frame(key, lambda: pd.DataFrame({"Name": list(names), "Share": values})),
        key=key,
        hide_index=True,
        column_config=columns,
    )
    typed = [None if pd.isna(share) else float(share) for share in edited["Share"]]
    made = {n: share for n, share in zip(names, typed, strict=True) if share or n in shares}
    add_up(draft, list(made.values()), path, lambda parts: put(dict(zip(made, parts, strict=True))))
    return made


def add_up(
    draft: Draft, shares: Sequence[float | None], path: str, put: Callable[[list[float]], None]
) -> None:
    """Say what shares add up to, beside a button that scales them to 1; `put` then takes them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Make them add up",
            key=draft.key(f"{path}-add-up"),
            icon=":material/balance:",
            type="tertiary",
            help="Scale these shares by the same factor so that they add up to 1.",
        ):
            made = normalised({str(place): share for place, share in enumerate(shares)})
            draft.operations.append(lambda: put(list(made.values())))
        st.caption(f"They add up to {sum(share or 0 for share in shares):.4g}.")


def edit_pairs(draft: Draft, pairs: dict[str, str], path: str) -> dict[str, str] | None:
    """Draw a table of two columns: name and what it stands for."""
    key = draft.key(path)
    start = draft.frame(
        key, lambda: pd.DataFrame(list(pairs.items()), columns=["From", "To"], dtype="object")
    )
    edited = st.data_editor(start, key=key, num_rows="dynamic", hide_index=True)
    rows = edited.dropna().to_dict("records")
    return {str(row["From"]): str(row["To"]) for row in rows} or None


def _columns(model: type[BaseModel], skip: Collection[str] = ()) -> dict[str, FieldInfo]:
    """Column → field; those of a part are named "part.field"."""
    fields: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if name in skip:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields |= {f"{name}.{inner}": info for inner, info in _columns(kind).items()}
        else:
            fields[name] = field
    return fields


def _frame(fields: dict[str, FieldInfo], rows: list[Data]) -> pd.DataFrame:
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
    return st.column_config.TextColumn(name, help=explained, default=default)


def _row(fields: dict[str, FieldInfo], record: dict[Any, Any]) -> Data:
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
