"""What-if controls: each changes the session's one view, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from driftsched.studio.explore.choices import CLASSIFIER, COMPENSATOR, LENGTHS, MODE, UNIT
from driftsched.studio.explore.tenants import tenant_shares
from driftsched.studio.explore.tuning import policy_parameters
from driftsched.studio.knobs import BURSTS, LOADS, REPLICATIONS, STEPS
from driftsched.studio.state import Key, View, get_view, set_view
from driftsched.studio.whatif import changed, offered_rps, policy_names
from driftsched.studio.words import POLICY_HELP, policy_label

__all__ = ["controls", "with_value"]

CVS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
FACTORS = (0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
BATCHES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
REPLICAS = (1, 2, 3, 4, 6, 8, 12, 16)
AS_IS = "as it is"


def controls(view: View) -> None:
    """Draw the bar of controls for `view`; a change is in the view of the next run."""
    with st.container(border=True):
        left, right = st.columns([3, 1], gap="medium")
        with left:
            _policies(view)
        with right:
            _replications(view)
        for column, draw in zip(st.columns(4), (_load, _bursts, _step, _batch), strict=True):
            with column:
                draw(view)
        with st.expander("Tenants, engine, estimates, policies", icon=":material/tune:"):
            tenant_shares(view)
            rows: list[list[Callable[[View], None]]]
            rows = [[MODE, _replicas, LENGTHS], [UNIT, COMPENSATOR, CLASSIFIER]]
            for row in rows:
                for column, setting in zip(st.columns(3), row, strict=True):
                    with column:
                        setting(view)
            policy_parameters(view)


def with_value(options: Sequence[Any], value: Any) -> list[Any]:
    """The options in order, with a value that is not among them."""
    return sorted({*options, value})


def _policies(view: View) -> None:
    st.session_state[Key.POLICIES] = list(view.policies)
    st.pills(
        "Policies to compare",
        policy_names(),
        key=Key.POLICIES,
        selection_mode="multi",
        format_func=policy_label,
        on_change=_take_policies,
        help="All of them serve exactly the same requests.\n\n" + POLICY_HELP,
    )


def _take_policies() -> None:
    chosen = st.session_state[Key.POLICIES]
    set_view(replace(get_view(), policies=tuple(n for n in policy_names() if n in chosen)))


def _replications(view: View) -> None:
    st.session_state[Key.REPLICATIONS] = view.replications
    st.slider(
        "Replications",
        *REPLICATIONS,
        key=Key.REPLICATIONS,
        on_change=lambda: _take(replications=st.session_state[Key.REPLICATIONS]),
        help="How often the experiment is repeated with other random numbers; more make the "
        "intervals narrower.",
    )


def _take(**knobs: Any) -> None:
    set_view(replace(get_view(), **knobs))


def _load(view: View) -> None:
    rate = offered_rps(view.effective)
    st.session_state[Key.LOAD] = view.load
    st.slider(
        "Load",
        *LOADS,
        step=0.1,
        format="%.1f×",
        key=Key.LOAD,
        on_change=lambda: _take(load=round(st.session_state[Key.LOAD], 2)),
        help="How fast the requests arrive, relative to the scenario; their number stays the same."
        + ("" if rate is None else f" Now {rate:.1f} requests a second at the busiest."),
    )


def _bursts(view: View) -> None:
    given = () if view.bursts is None else (view.bursts,)
    options = [AS_IS, *sorted({*CVS, *given})]
    st.session_state[Key.BURSTS] = AS_IS if view.bursts is None else view.bursts
    st.select_slider(
        "Burstiness (CV)",
        options,
        key=Key.BURSTS,
        format_func=lambda cv: AS_IS if cv == AS_IS else f"{cv:g}",
        on_change=_take_bursts,
        disabled=view.scenario.trace is not None,
        help="Coefficient of variation of the gaps between arrivals, at the same rate: 1 is "
        f"Poisson, more comes in bursts; from {BURSTS[0]:g} to {BURSTS[1]:g}.",
    )


def _take_bursts() -> None:
    chosen = st.session_state[Key.BURSTS]
    _take(bursts=None if chosen == AS_IS else float(chosen))


def _step(view: View) -> None:
    st.session_state[Key.STEP] = view.step
    st.select_slider(
        "Drift in the middle",
        with_value(FACTORS, view.step),
        key=Key.STEP,
        format_func="{:g}×".format,
        on_change=lambda: _take(step=float(st.session_state[Key.STEP])),
        disabled=view.scenario.trace is not None,
        help="From the middle of the traffic on, answers are this many times as long, cut at "
        f"their category's maximum; from {STEPS[0]:g} to {STEPS[1]:g}, on top of the scenario's "
        "own drift.",
    )


def _batch(view: View) -> None:
    st.session_state[Key.BATCH_SIZE] = view.scenario.engine.batch_size
    st.select_slider(
        "Batch size",
        with_value(BATCHES, view.scenario.engine.batch_size),
        key=Key.BATCH_SIZE,
        on_change=lambda: _change(engine__batch_size=int(st.session_state[Key.BATCH_SIZE])),
        help="Requests that a GPU works on at once, at most.",
    )


def _replicas(view: View) -> None:
    cluster = view.scenario.cluster
    st.session_state[Key.REPLICAS] = cluster.replicas
    st.select_slider(
        "GPUs (replicas)",
        with_value(REPLICAS, cluster.replicas),
        key=Key.REPLICAS,
        on_change=lambda: _change(cluster__replicas=int(st.session_state[Key.REPLICAS])),
        disabled=bool(cluster.pools),
        help="Copies of the model that serve side by side. Where the scenario has pools of "
        "several kinds, edit them on the Scenario page.",
    )


def _change(**fields: Any) -> None:
    view = get_view()
    set_view(replace(view, scenario=changed(view.scenario, **fields)))
