"""What-if controls: each changes the session's one view, nothing else."""

from __future__ import annotations

from typing import Any

import streamlit as st

from driftsched.scheduling.policies import POLICIES
from driftsched.studio.explore.settings import settings, with_value
from driftsched.studio.state import Key, bound, change_view, of_scenario
from driftsched.studio.view import BOUNDS, View
from driftsched.studio.words import POLICY_HELP, policy_label

__all__ = ["controls"]

CVS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
FACTORS = (0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
BATCHES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
AS_IS = "as it is"


def controls(view: View) -> None:
    """Draw the bar of controls for `view`; a change is in the view of the next run."""
    with st.container(border=True):
        left, right = st.columns([3, 1], gap="medium")
        with left:
            _policies(view)
        with right:
            st.slider(
                "Replications",
                *BOUNDS["replications"],
                **bound(Key.REPLICATIONS),
                help="How often the experiment is repeated with other random numbers; more make "
                "the intervals narrower.",
            )
        for column, draw in zip(st.columns(4), (_load, _bursts, _step, _batch), strict=True):
            with column:
                draw(view)
        with st.expander("Tenants, engine, estimates, policies", icon=":material/tune:"):
            settings(view)


def _policies(view: View) -> None:
    st.pills(
        "Policies to compare",
        list(POLICIES),
        **bound(Key.POLICIES, list(view.policies)),
        selection_mode="multi",
        wrap=True,
        format_func=policy_label,
        help="All of them serve exactly the same requests.\n\n" + POLICY_HELP,
    )


def _load(view: View) -> None:
    busiest = max((phase.rate_rps for phase in view.effective.phases), default=None)
    st.slider(
        "Load",
        *BOUNDS["load"],
        step=0.1,
        format="%.1f×",
        **bound(Key.LOAD),
        help="How fast the requests arrive, relative to the scenario; their number stays the same."
        + ("" if busiest is None else f" Now {busiest:.1f} requests a second at the busiest."),
    )


def _bursts(view: View) -> None:
    options: list[Any] = [AS_IS, *with_value(CVS, view.bursts or CVS[0])]
    st.session_state[Key.BURSTS] = AS_IS if view.bursts is None else view.bursts
    st.select_slider(
        "Burstiness (CV)",
        options,
        key=Key.BURSTS,
        format_func=lambda cv: AS_IS if cv == AS_IS else f"{cv:g}",
        on_change=_take_bursts,
        disabled=view.scenario.trace is not None,
        help="Coefficient of variation of the gaps between arrivals, at the same rate: 1 is "
        "Poisson, more comes in bursts; from {:g} to {:g}.".format(*BOUNDS["bursts"]),
    )


def _take_bursts() -> None:
    chosen = st.session_state[Key.BURSTS]
    change_view(bursts=None if chosen == AS_IS else float(chosen))


def _step(view: View) -> None:
    st.select_slider(
        "Drift in the middle",
        with_value(FACTORS, view.step),
        format_func="{:g}×".format,
        **bound(Key.STEP),
        disabled=view.scenario.trace is not None,
        help="From the middle of the traffic on, answers are this many times as long, cut at "
        "their category's maximum; from {:g} to {:g}, on top of the scenario's own drift.".format(
            *BOUNDS["step"]
        ),
    )


def _batch(view: View) -> None:
    size = view.scenario.engine.batch_size
    st.select_slider(
        "Batch size",
        with_value(BATCHES, size),
        **of_scenario(Key.BATCH_SIZE, "engine.batch_size"),
        help="Requests that a GPU works on at once, at most.",
    )
