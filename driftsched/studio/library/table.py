"""The runs that are kept, those that are looked for, and which of them are chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.results.cards import matching
from driftsched.results.wording import seconds
from driftsched.studio.library.tasks import without_home
from driftsched.studio.state import Key, bound
from driftsched.studio.view import View, labels

HEIGHT = 213
FIRST: Any = {"selection": {"rows": [0]}}
SHOWN = ("Title", "Policy", "Median", "P99", "Tags", "Requests", "World", "Scenario", "Saved (UTC)")


def looked_for(runs: pd.DataFrame, view: View) -> pd.DataFrame:
    """Those of the runs that the fields of the page leave."""
    return matching(
        runs,
        view.kept_text,
        policy=view.kept_policy or "",
        world=view.kept_world or "",
        tag=view.kept_tag or "",
    )


def chosen(found: pd.DataFrame) -> pd.DataFrame:
    """Those that are chosen in the table, which stands below their picture: at first the first."""
    picked = st.session_state.get(_key(found), FIRST)
    return found.iloc[[row for row in picked["selection"]["rows"] if row < len(found)]]


def table(runs: pd.DataFrame, found: pd.DataFrame, view: View) -> None:
    """Draw the fields to look for runs, and the runs that they leave."""
    _fields(runs, view)
    if found.empty:
        st.info("No run is like that.", icon=":material/search_off:")
        return
    st.dataframe(
        _readable(found),
        hide_index=True,
        height=HEIGHT,
        key=_key(found),
        on_select="rerun",
        selection_mode="multi-row",
        selection_default=FIRST,
        column_config={"Saved (UTC)": st.column_config.TextColumn(width="small")},
    )


def _key(found: pd.DataFrame) -> str:
    """Other runs are another table, else what is chosen would be whatever stands in its place."""
    ids = "\n".join(found["run_id"])
    return f"library-{hashlib.sha256(ids.encode()).hexdigest()[:16]}"


def _fields(runs: pd.DataFrame, view: View) -> None:
    policies = sorted({*runs["policy"].dropna(), *([view.kept_policy] if view.kept_policy else [])})
    tags = sorted({tag for tags in runs["tags"] for tag in tags} | ({view.kept_tag or ""} - {""}))
    worlds = labels("world")
    with st.container(horizontal=True, gap="small"):
        st.text_input(
            "Search",
            **bound(Key.KEPT_TEXT),
            placeholder="Words of title, tags, notes, scenario, policy",
            max_chars=200,
            icon=":material/search:",
            label_visibility="collapsed",
        )
        _any("Policy", policies, Key.KEPT_POLICY, policy_label)
        _any("World", [*worlds], Key.KEPT_WORLD, worlds.__getitem__)
        _any("Tag", tags, Key.KEPT_TAG, str)


def _any(name: str, options: Sequence[str], key: Key, said: Callable[[str], str]) -> None:
    """Draw a choice of one or none."""
    st.selectbox(
        name,
        options,
        **bound(key),
        index=None,
        placeholder=name,
        format_func=said,
        label_visibility="collapsed",
        width=140,
    )


def _readable(found: pd.DataFrame) -> pd.DataFrame:
    damaged = found["damage"].map(without_home)
    columns = (
        found["title"].fillna(found["run_id"]).where(found["damage"] == "", "Damaged: " + damaged),
        found["policy"].map(policy_label, na_action="ignore"),
        *(pd.to_numeric(found[f"{name}_e2el_ms"]).map(seconds) for name in ("median", "p99")),
        found["tags"].map(" ".join),
        found["requests"].astype("Int64"),
        found["world"],
        found["scenario"],
        found["saved_utc"].str[:16].str.replace("T", " "),
    )
    return pd.DataFrame(dict(zip(SHOWN, columns, strict=True)))
