"""How far to trust the figures: replications, engine, warm-up, how many more it would take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from driftsched.experiments import Figures, warmup
from driftsched.results import advice
from driftsched.studio.state import Key, View, get_view, set_view
from driftsched.studio.words import grouped, policy_label

if TYPE_CHECKING:
    from driftsched.experiments import Ensemble
    from driftsched.results import Warmup

__all__ = ["trusted"]


def trusted(ensemble: Ensemble, view: View) -> Figures:
    """Say what the figures rest on, offer to leave out the warm-up, and return the figures."""
    found = warmup(ensemble)
    figures = Figures(ensemble, found.cut if view.cut and found.settled else 0, found)
    policy = figures.least_precise("e2e_s", 99.0)
    tail = figures.pool(policy, "e2e_s")
    left, right = st.columns([1, 3], vertical_alignment="center", gap="medium")
    with left:
        st.session_state[Key.CUT] = view.cut
        st.toggle(
            "Leave out the warm-up",
            key=Key.CUT,
            on_change=_take_cut,
            help="The first requests meet an empty system. For the steady state leave them out; "
            "for an experiment with a beginning and an end, such as the paper's, keep them. The "
            "cut is found by MSER-5 (White, Cobb and Spratt 2000), the latest of all policies.",
        )
    right.caption(
        f"{_warmup(found, view, ensemble.requests)} "
        f"{advice(tail, 99.0, f'P99 under {policy_label(policy)}')}. {_engine(ensemble)}"
    )
    return figures


def _take_cut() -> None:
    set_view(replace(get_view(), cut=bool(st.session_state[Key.CUT])))


def _warmup(found: Warmup, view: View, requests: int) -> str:
    if not found.settled:
        return "No steady state is reached (the load is too high or changes), so nothing is cut."
    if not found.cut:
        return "MSER-5 finds no warm-up."
    what = "are left out" if view.cut else "look like warm-up"
    share = f"{100 * found.cut / requests:.0f} %"
    return f"The first {grouped(found.cut)} requests ({share}) {what} (MSER-5)."


def _engine(ensemble: Ensemble) -> str:
    """Which engine ran, with the reason where it was not the fast one."""
    slow = {reason for engine, reason in ensemble.engines.values() if engine != "compiled"}
    if not slow:
        return "Run by the compiled engine."
    return f"Run by the SimPy engine: {'; '.join(sorted(slow))}."
