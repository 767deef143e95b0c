"""What-if controls: each changes the session's one view, nothing else."""

from __future__ import annotations

from typing import Any

import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.explore.settings import settings, with_value
from driftsched.studio.focus import focus
from driftsched.studio.sidebar import foot
from driftsched.studio.state import Key, bound, change_view, choice, get_view, of_scenario
from driftsched.studio.view import BOUNDS, View
from driftsched.studio.words import METRICS, POLICY_HELP, plain

CVS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
FACTORS = (0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
REPLICAS = (1, 2, 3, 4, 6, 8, 12, 16)
BATCHES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
AS_IS = "unchanged"


def controls(view: View, rho: float | None) -> None:
    """Draw what is moved while the picture is watched; a change is in the view of the next run.

    `rho` is offered load over capacity at the busiest, where it is known.
    """
    upper, lower = (st.columns([3, 2], gap="small", vertical_alignment="bottom") for _ in range(2))
    with upper[0]:
        focus(view.scenario, view.scenario.about)
    with upper[1]:
        choice("Percentile", Key.LEVEL, "P99: 99 of 100 requests are at least as fast.")
    with lower[0]:
        meanings = "\n".join(f"- **{label}**: {meaning}" for label, meaning in METRICS.values())
        choice("Measure", Key.METRIC, meanings)
    with lower[1].popover("More", width="stretch"), st.container(key="more"):
        _policies(view)
        settings(view)
    _load(view, rho)
    _bursts(view)
    _drift(view)
    left, right = st.columns(2, gap="small")
    with left:
        _batch(view)
    with right:
        _replicas(view)
    _pin(view)


def repeated() -> None:
    """Draw how often and with which numbers it is repeated, and what takes it elsewhere."""
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        st.slider(
            "Replications",
            *BOUNDS["replications"],
            **bound(Key.REPLICATIONS),
            help="How often the experiment is repeated with other random numbers; more make "
            "the intervals narrower.",
        )
    with right:
        foot()


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


def _load(view: View, rho: float | None) -> None:
    busiest = max((phase.rate_rps for phase in view.effective.phases), default=None)
    st.slider(
        "Load" if rho is None else f"Load, ρ {rho:.2g}",
        *BOUNDS["load"],
        step=0.1,
        format="%.1f×",
        **bound(Key.LOAD),
        help="How fast the requests arrive, relative to the scenario; their number stays the same. "
        "ρ is the busiest phase's rate over what the hardware can serve."
        + ("" if busiest is None else f" Now {busiest:.1f} requests a second at the busiest."),
    )


def _bursts(view: View) -> None:
    options: list[Any] = [AS_IS, *with_value(CVS, view.bursts or CVS[0])]
    st.session_state[Key.BURSTS] = AS_IS if view.bursts is None else view.bursts
    st.select_slider(
        "Burstiness",
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


def _drift(view: View) -> None:
    fixed = view.scenario.trace is not None
    st.select_slider(
        "Drift",
        with_value(FACTORS, view.step),
        format_func="{:g}×".format,
        **bound(Key.STEP),
        disabled=fixed,
        help="From a moment on answers are this many times as long, cut at their category's "
        "maximum; from {:g} to {:g}, on top of the scenario's own drift.".format(*BOUNDS["step"]),
    )
    for place, label, key, otherwise, what in zip(
        st.columns(2, gap="small"),
        ("from (s)", "for (s)"),
        (Key.STEP_AT, Key.STEP_FOR),
        ("middle", "good"),
        ("begins, in seconds of traffic", "lasts, in seconds"),
        strict=True,
    ):
        st.session_state[key] = getattr(view, key)
        place.number_input(
            label,
            min_value=0.0 if key == Key.STEP_AT else 1.0,
            max_value=1e9,
            step=10.0,
            format="%g",
            key=key,
            on_change=lambda key=key: change_view(**{key: st.session_state[key]}),
            placeholder=otherwise,
            disabled=fixed,
            help=f"When the drift {what}; empty: {otherwise}.",
        )


def _batch(view: View) -> None:
    size = view.scenario.engine.batch_size
    st.select_slider(
        "Batch size",
        with_value(BATCHES, size),
        **of_scenario(Key.BATCH_SIZE, "engine.batch_size"),
        help="Requests that a GPU works on at once, at most.",
    )


def _replicas(view: View) -> None:
    cluster = view.scenario.cluster
    st.select_slider(
        "GPUs",
        with_value(REPLICAS, cluster.replicas),
        **of_scenario(Key.REPLICAS, "cluster.replicas"),
        disabled=bool(cluster.pools),
        help="Copies of the model that serve side by side. Where the scenario has pools of "
        "several kinds, edit them on the Scenario page.",
    )


def _pin(view: View) -> None:
    own = view.pin is None and view.before is not None
    there = view.before is not None
    st.button(
        "Unpin the baseline" if there else "Pin as baseline",
        key=Key.PIN,
        icon=":material/keep_off:" if there else ":material/keep:",
        width="stretch",
        on_click=lambda: change_view(pin="" if there else get_view().pinned.pin),
        help=(
            f"Every figure and picture is set beside {plain(view.scenario.about.alternative)}."
            if own
            else "Keeps what is shown now as a ghost in every picture; every figure then says how "
            "it differs."
        ),
    )
