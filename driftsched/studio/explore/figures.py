"""From the view to its figures, and how far to trust them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.experiments import Figures, warmup
from driftsched.results import advice
from driftsched.studio import work
from driftsched.studio.show import problem
from driftsched.studio.state import Key, bound
from driftsched.studio.view import View
from driftsched.studio.waiting import busy, result_of
from driftsched.studio.words import grouped, plain, policy_label, with_interval

if TYPE_CHECKING:
    from driftsched.experiments import Ensemble
    from driftsched.results import Warmup

__all__ = ["FEW", "figures_for", "rests_on"]

FEW = 2
"""Replications while the compiled engine is not there yet."""
_LAST = "explore-last"


def figures_for(view: View) -> tuple[Figures, Figures | None] | None:
    """Give the view's figures and those of its baseline, if it has one.

    While they are under way they are the former ones; None without any. What cannot be run is one
    message.
    """
    fast = work.engine_ready()
    replications = view.replications if fast else min(view.replications, FEW)
    if not fast:
        cast(Callable[..., None], st.fragment(_getting_ready, run_every=1.0))(replications)
    found = _ensemble(view, replications, "explore")
    if found is None:
        return None
    before = None if view.before is None else _ensemble(view.before, replications, "before")
    steady = warmup(found)
    cut = steady.cut if view.cut and steady.settled else 0
    known = set(found.scenario.tenant_names)
    who = [name for name in view.who if name in known]
    if before is not None and not {*who} <= {*before.scenario.tenant_names}:
        before = None
    former = None if before is None else Figures(before, cut, who=who)
    return Figures(found, cut, steady, who), former


def _ensemble(view: View, replications: int, slot: str) -> Ensemble | None:
    from driftsched.experiments.ensemble import same_requests

    last = f"{_LAST}-{slot}"
    try:
        variants = view.variants
        same_requests(next(iter(variants.values())))
    except InputError as error:
        problem(f"{error}. Run shows how one policy serves it.", "This could not be computed: ")
        return None
    args = (replications, tuple(variants), *variants.values())
    found = result_of(work.ensemble, args, slot=slot, here=True)
    if found is None and (former := st.session_state.get(last)) is not None:
        if slot == "explore":
            st.caption(":material/history: Below is the picture from before the last change.")
        return cast("Ensemble", former)
    if found is not None:
        st.session_state[last] = found
    return cast("Ensemble | None", found)


def _getting_ready(replications: int) -> None:
    if work.engine_ready():
        st.rerun()
    with busy("engine"):
        st.info(
            f"The fast engine is being prepared, which takes about a minute, once. Until then a "
            f"slower one computes {replications} replications, so that intervals are wide; then "
            "the page goes on by itself.",
            icon=":material/hourglass_top:",
        )


def rests_on(figures: Figures, view: View) -> None:
    """Say what the figures rest on, and offer to leave out the warm-up."""
    ensemble, found = figures.ensemble, cast("Warmup", figures.warmup)
    policy = figures.least_precise("e2e_s", 99.0)
    tail = figures.pool(policy, "e2e_s")
    left, right = st.columns([1, 3], vertical_alignment="center", gap="medium")
    with left:
        st.toggle(
            "Leave out the warm-up",
            **bound(Key.CUT),
            help="The first requests meet an empty system. For the steady state leave them out; "
            "for an experiment with a beginning and an end, such as the paper's, keep them. The "
            "cut is found by MSER-5 (White, Cobb and Spratt 2000), the latest of all policies.",
        )
    right.caption(
        f"{_ends(figures)} {_warmup(found, view, ensemble.requests)} "
        f"{advice(tail, 99.0, f'P99 under {policy_label(policy)}')}. {_engine(ensemble)}"
    )


def _ends(figures: Figures) -> str:
    """How many requests there are, and how many of them do not finish."""
    goals = figures.goals()
    lost = goals[["unfinished", "unfinished_low", "unfinished_high"]].to_numpy()
    worst = int(lost[:, 0].argmax())
    rest = "all finished"
    if lost[worst, 0]:
        policy = policy_label(figures.ensemble.policies[worst])
        rest = f"up to {with_interval(*lost[worst])} not finished ({policy})"
    return f"{grouped(figures.ensemble.requests)} requests, {rest}."


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
    return f"Run by the SimPy engine: {plain('; '.join(sorted(slow)))}."
