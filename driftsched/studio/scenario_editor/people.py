"""Who sends what: tenants and categories."""

from __future__ import annotations

import streamlit as st

from driftsched.scenario import Category, Tenant
from driftsched.studio.scenario_editor.draft import Data
from driftsched.studio.scenario_editor.edit import Edit, pick
from driftsched.studio.scenario_editor.fields import edit_fields
from driftsched.studio.scenario_editor.names import follow_names, new_name, normalised
from driftsched.studio.scenario_editor.table import edit_rows

__all__ = ["categories", "tenants"]

IN_YAML = ("patience", "retries")
"""Parts of a tenant that have no place in a table; they are edited as text."""


def tenants(edit: Edit) -> None:
    """Edit the tenants as a table."""
    st.caption(
        "One row a tenant. **Share** is its part of the requests, and the shares add up to 1; "
        "**weight** is its part of the service under the Weighted policy; an empty limit or "
        "objective is none. Rows are added below the last one and "
        "removed by the box at their left."
    )
    before = _names(edit.draft.data["tenants"])
    former = {row.get("name"): row for row in edit.draft.data["tenants"]}
    rows = edit_rows(edit.draft, Tenant, edit.draft.data["tenants"], "tenants", skip=IN_YAML)
    for row in rows:
        kept = former.get(row.get("name"), {})
        row.update({name: kept[name] for name in IN_YAML if name in kept})
    edit.data["tenants"] = rows
    follow_names(edit.data["phases"], "shares", before, _names(rows))
    total = sum(row["share"] or 0 for row in rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Make shares add up",
            key=edit.draft.key("tenants-add-up"),
            icon=":material/balance:",
            help="Scale all shares by the same factor so that they add up to 1.",
        ):
            edit.operations.append(lambda: _add_up(rows))
        st.caption(f"The shares add up to {total:.4g}.")


def _add_up(rows: list[Data]) -> None:
    shares = normalised({str(number): row["share"] for number, row in enumerate(rows)})
    for number, row in enumerate(rows):
        row["share"] = shares[str(number)]


def categories(edit: Edit) -> None:
    """Edit one category at a time."""
    st.caption(
        "A category is a kind of work: what is budgeted for it at admission, the key words that "
        "give it away to the classifier, and how long its prompts and answers really are."
    )
    items = edit.data["categories"]
    before = _names(items)
    at = pick(edit, items, "category", lambda: _fresh(items))
    if at is not None:
        key = f"categories.{at}"
        items[at] = edit_fields(edit.draft, Category, items[at], key)
    follow_names(edit.data["phases"], "mix", before, _names(items))


def _fresh(items: list[Data]) -> Data:
    return {
        "name": new_name("category", _names(items)),
        "base_tokens": 128,
        "max_output_tokens": 256,
        "output_tokens": {"kind": "lognormal", "mu": 5.0, "sigma": 0.5},
        "prompt_tokens": None,
        "keywords": [],
        "words_per_token": 0.75,
        "words_per_token_sd": 0.0,
    }


def _names(items: list[Data]) -> list[str]:
    return [str(item.get("name")) for item in items]
