"""Whose figures and curves a page shows: those of everybody, or one tenant's."""

from __future__ import annotations

from typing import Any

import streamlit as st

from driftsched.results.wording import joined
from driftsched.scenario import About, Scenario
from driftsched.studio.state import Key, change_view, get_view
from driftsched.studio.view import EVERYBODY, View


def whom(view: View) -> str:
    """Those in focus, as they are called in a sentence."""
    if not view.who:
        return "everybody"
    if view.who == view.scenario.about.tenants and view.scenario.about.whom:
        return view.scenario.about.whom
    return joined(view.who) if len(view.who) < 4 else f"{len(view.who)} tenants"


def focus(scenario: Scenario, about: About | None = None, **look: Any) -> str:
    """Draw the choice of a tenant of `scenario`, and return it; "" is all.

    Until somebody chooses, those of a question are in focus, where it is `about` some. `look` are
    further arguments of its widget.
    """
    names, chosen = scenario.tenant_names, get_view().tenant
    options = {EVERYBODY: "All tenants"} | {name: name for name in names}
    shown = chosen if chosen in options else EVERYBODY
    asked = about.tenants if about is not None else ()
    if len(asked) > 1:
        said = whom(get_view().changed(tenant=None))
        options = {"": said[:1].upper() + said[1:]} | options
    if chosen is None and asked:
        shown = "" if "" in options else asked[0]
    st.session_state[Key.TENANT] = shown
    st.selectbox(
        "Tenants",
        list(options),
        key=Key.TENANT,
        on_change=lambda: change_view(tenant=st.session_state[Key.TENANT] or None),
        format_func=options.__getitem__,
        help="Whose latency the words, the figures and the curves are.",
        **look,
    )
    return shown if shown in names else ""
