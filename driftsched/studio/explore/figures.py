"""From the view to its figures, and how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.core.errors import InputError
from driftsched.experiments import Ensemble, Figures, run_ensemble, warmup
from driftsched.experiments.ensemble import same_requests
from driftsched.results import Warmup, advice
from driftsched.results.wording import with_interval
from driftsched.scenario import Scenario
from driftsched.studio.show import problem
from driftsched.studio.state import Key, bound
from driftsched.studio.view import View
from driftsched.studio.waiting import FEW, kept_result, replications_now, result_of, work_key
from driftsched.studio.words import grouped, plain
from driftsched.studio.work import engine_ready

PATIENCE_S = 5.0
"""The picture takes a blink, unless the machine is busy."""
_LAST = "explore-last"


def figures_for(view: View) -> tuple[Figures, Figures | None] | None:
    """Give the view's figures and those of its baseline, if it has one.

    While they are under way they are the former ones; None without any. What cannot be run is one
    message.
    """
    replications_now(view.replications)
    found = _ensemble(view, "explore")
    if found is None:
        return None
    before = None if view.before is None else _ensemble(view.before, "before")
    steady = warmup(found)
    cut = steady.cut if view.cut and steady.settled else 0
    known = set(found.scenario.tenant_names)
    who = [name for name in view.who if name in known]
    if before is not None and not {*who} <= {*before.scenario.tenant_names}:
        before = None
    former = None if before is None else Figures(before, cut, who=who)
    return Figures(found, cut, steady, who), former


def asked_for(view: View) -> tuple[Mapping[str, Scenario], int]:
    """What is run for the picture, and how often: arguments of `run_ensemble`."""
    return view.variants, view.replications if engine_ready() else min(view.replications, FEW)


def _ensemble(view: View, slot: str) -> Ensemble | None:
    last = f"{_LAST}-{slot}"
    asked = asked_for(view)
    try:
        same_requests(next(iter(asked[0].values())))
    except InputError as error:
        problem(f"{error}. Run shows how one policy serves it.")
        return None
    found = result_of(run_ensemble, asked, slot=slot, wait_s=PATIENCE_S)
    if found is None and (former := kept_result(st.session_state.get(last, ""))) is not None:
        if slot == "explore":
            st.caption(":material/history: Below is the picture from before the last change.")
        return cast("Ensemble", former)
    if found is not None:
        st.session_state[last] = work_key(run_ensemble, asked)
    return cast("Ensemble | None", found)


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
