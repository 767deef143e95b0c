"""What-if controls: each changes the session's one view, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.studio.state import LOADS, Key, View, get_view, set_view
from driftsched.studio.whatif import changed, offered_rps, policy_names
from driftsched.studio.words import POLICY_HELP, choice_label, policy_label

__all__ = ["controls"]


def controls(view: View) -> None:
    """Draw the bar of controls for `view`; a change is in the view of the next run."""
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _policies(view)
        with right:
            _load(view)
        with st.expander("Engine, lengths and estimates", icon=":material/tune:"):
            for column, draw in zip(
                st.columns(4), (_mode, _unit, _lengths, _compensator), strict=True
            ):
                with column:
                    draw(view)


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


def _load(view: View) -> None:
    rate = offered_rps(view.effective)
    st.session_state[Key.LOAD] = view.load
    st.slider(
        "Load",
        *LOADS,
        step=0.1,
        format="%.1f×",
        key=Key.LOAD,
        on_change=lambda: set_view(replace(get_view(), load=round(st.session_state[Key.LOAD], 2))),
        help="How fast the requests arrive, relative to the scenario; their number stays the same."
        + ("" if rate is None else f" Now {rate:.1f} requests a second at the busiest."),
    )


def _mode(view: View) -> None:
    _choice(
        "Batching",
        Key.ENGINE_MODE,
        ("gang", "continuous"),
        view.scenario.engine.mode,
        lambda mode: {"engine__mode": mode},
        "Gang: a batch starts together and ends when its longest answer ends (the paper's "
        "program). Continuous: a request joins and leaves at any step, as in vLLM.",
    )


def _unit(view: View) -> None:
    _choice(
        "Lengths counted in",
        Key.UNIT,
        ("words", "tokens"),
        view.scenario.estimator.unit,
        lambda unit: {"estimator__unit": unit},
        "What the estimator counts. Words are what the paper's program counts; the engine works in "
        "tokens, about 1.4 a word, and that gap looks like drift.",
    )


def _lengths(view: View) -> None:
    _choice(
        "Answers end",
        Key.LENGTHS,
        ("natural", "capped"),
        view.scenario.lengths,
        lambda lengths: {"lengths": lengths},
        "Naturally: when the model has said enough. At the limit: always at the category's "
        "maximum, whatever the model says.",
    )


def _compensator(view: View) -> None:
    _choice(
        "Correction",
        Key.COMPENSATOR,
        list(COMPENSATORS),
        view.scenario.estimator.compensator.kind,
        lambda kind: {"estimator__compensator": {"kind": kind}},
        "How estimates learn from finished requests. EMA: a moving average of actual over "
        "expected length for each category (the paper's). Oracle: knows every length beforehand; "
        "the best that any correction could do.",
    )


def _choice(
    label: str,
    key: Key,
    options: Sequence[str],
    value: str,
    fields: Callable[[str], dict[str, Any]],
    explanation: str,
) -> None:
    def take() -> None:
        view = get_view()
        chosen = st.session_state[key]
        set_view(replace(view, scenario=changed(view.scenario, **fields(chosen))))

    st.session_state[key] = value
    st.selectbox(
        label, options, key=key, format_func=choice_label, on_change=take, help=explanation
    )
