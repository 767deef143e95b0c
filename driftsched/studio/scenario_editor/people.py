"""Who sends what: tenants and categories."""

from __future__ import annotations

import streamlit as st

from driftsched.scenario import Category, Patience, Retries, Tenant
from driftsched.studio.scenario_editor.draft import Data
from driftsched.studio.scenario_editor.edit import Edit, pick
from driftsched.studio.scenario_editor.fields import edit_fields
from driftsched.studio.scenario_editor.names import follow_lists, follow_names, new_name, normalised
from driftsched.studio.scenario_editor.table import edit_rows

__all__ = ["categories", "tenants"]

CLIENTS = ("patience", "retries")
"""Parts of a tenant that have no place in a table; they are edited below it."""


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
    rows = edit_rows(edit.draft, Tenant, edit.draft.data["tenants"], "tenants", skip=CLIENTS)
    for place, row in enumerate(rows):
        kept = former.get(row.get("name"), {})
        if not kept and len(rows) == len(before):  # it has been renamed
            kept = edit.draft.data["tenants"][place]
        row.update({name: kept[name] for name in CLIENTS if name in kept})
    edit.data["tenants"] = rows
    after = _names(rows)
    follow_names(edit.data["phases"], "shares", before, after)
    follow_names(edit.data["phases"], "tenant_arrivals", before, after)
    follow_lists(edit.data["drift"], "tenants", before, after)
    edit.draft.names["tenants"] = after
    total = sum(row["share"] or 0 for row in rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Make shares add up",
            key=edit.draft.key("tenants-add-up"),
            icon=":material/balance:",
            help="Scale all shares by the same factor so that they add up to 1.",
        ):
            edit.draft.operations.append(lambda: _add_up(rows))
        st.caption(f"The shares add up to {total:.4g}.")
    with st.expander("Patience and retries of a tenant's clients", icon=":material/hourglass:"):
        _clients(edit, rows)


def _clients(edit: Edit, rows: list[Data]) -> None:
    """Edit how long one tenant's clients wait, and what they do when a request fails."""
    names, key = _names(rows), edit.draft.key("clients-of")
    at = st.selectbox(
        "Clients of",
        range(len(rows)),
        key=key,
        index=edit.draft.first(key, 0),
        format_func=lambda place: names[place] if place < len(names) else "",
        help="Whose clients are edited below; an empty time waits for ever.",
    )
    if at >= len(rows):
        return
    for name, model in (("patience", Patience), ("retries", Retries)):
        st.markdown(f"**{name.capitalize()}**", help=(model.__doc__ or "").strip())
        value = rows[at].get(name) or model().model_dump(mode="json")
        rows[at][name] = edit_fields(edit.draft, model, value, f"tenants.{at}.{name}")


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
    at = pick(edit.draft, items, "category", lambda: _fresh(items))
    if at is not None:
        key = f"categories.{at}"
        items[at] = edit_fields(edit.draft, Category, items[at], key)
    after = _names(items)
    follow_names(edit.data["phases"], "mix", before, after)
    follow_names(edit.data["drift"], "mix", before, after)
    follow_lists(edit.data["drift"], "categories", before, after)
    edit.draft.names["categories"] = after


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
