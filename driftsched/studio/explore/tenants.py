"""How much of the traffic each tenant sends."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from driftsched.scenario import with_share
from driftsched.studio.state import View, get_view, set_view

__all__ = ["tenant_shares"]

MOST = 8
"""With more tenants than this, sliders are no help; the Scenario page has a table."""


def tenant_shares(view: View) -> None:
    """Draw a slider a tenant; moving one scales the others."""
    tenants = view.scenario.tenants
    if len(tenants) == 1:
        return
    if len(tenants) > MOST:
        st.caption(f"The shares of {len(tenants)} tenants are edited on the Scenario page.")
        return
    fixed = view.scenario.trace is not None or all(phase.shares for phase in view.scenario.phases)
    places = st.columns(min(len(tenants), 4))
    for number, tenant in enumerate(tenants):
        key = f"share-{tenant.name}"
        st.session_state[key] = round(100 * tenant.share, 1)
        places[number % len(places)].slider(
            f"Share of {tenant.name} (%)",
            0.0,
            100.0,
            step=1.0,
            format="%.0f",
            key=key,
            on_change=_take,
            args=(tenant.name,),
            disabled=fixed,
            help="Share of the requests; the others keep their proportions. A trace, or phases "
            "with shares of their own, cannot be changed here.",
        )


def _take(tenant: str) -> None:
    view, share = get_view(), st.session_state[f"share-{tenant}"] / 100
    set_view(replace(view, scenario=with_share(view.scenario, tenant, share)))
