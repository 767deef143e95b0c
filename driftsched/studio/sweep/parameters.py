"""What varies in a sweep: parameters of the scenario, their values, how they are combined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import streamlit as st

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.predictors import PREDICTORS
from driftsched.experiments.sweeps import WHAT_IF
from driftsched.scenario import Scenario
from driftsched.scenario.differences import plain_data
from driftsched.scheduling.routers import ROUTERS
from driftsched.studio.state import Key, change_view, choice, get_view
from driftsched.studio.view import View

PLACES = 4
APART = re.compile(r"schema|seed|metrics\.|about\.|trace\.|.*\.(share|shares\..*|mix\..*)")
"""Fields that are not offered: shares must sum to 1, the rest is no setting."""
NAMED = {
    "estimator.compensator.kind": ",".join(COMPENSATORS),
    "estimator.predictor.kind": ",".join(PREDICTORS),
    "engine.mode": "gang,continuous",
    "cluster.router.kind": ",".join(ROUTERS),
}
"""Fields that are words, and all of these."""
HOW = (
    "a,b,c; even steps from:to:steps, with :log behind them in the logarithm; or from:to for a "
    "Latin hypercube to draw from"
)


def parameters(view: View) -> None:
    """Draw what is looked at, the parameters with their values, and how they are combined."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        choice("Figure", Key.SWEEP_FIGURE, "What is looked at.", width=260)
        if view.sweep_chart in ("front", "parallel"):
            choice("Against", Key.SWEEP_SECOND, "A second figure.", width=260)
        choice(
            "Combined",
            Key.SWEEP_SAMPLE,
            "All combinations of all values, or so many settings of a Latin hypercube (McKay, "
            "Beckman and Conover 1979), each served by every policy.",
            width=220,
        )
        choice("Seeds", Key.SWEEP_SEEDS, "Replications of each point.", width=110)
    usual = usual_values(view)
    for place, column in enumerate(st.columns(PLACES, gap="small")):
        text = view.sweep_over[place] if place < len(view.sweep_over) else ""
        if place > len(view.sweep_over):
            continue
        name, _, values = text.partition("=")
        with column:
            _parameter(place, name, values, usual)


def _parameter(place: int, name: str, values: str, usual: dict[str, str]) -> None:
    chosen, written = f"sweep-name-{place}", f"sweep-values-{place}"
    st.session_state[chosen], st.session_state[written] = name or None, values
    st.selectbox(
        f"Parameter {place + 1}",
        list(dict.fromkeys([*usual, *([name] if name else [])])),
        key=chosen,
        index=None,
        placeholder="Add one",
        on_change=_take_name,
        args=(place, usual),
        help="A field of the scenario by its place, or policy, load, burstiness, length_step; the "
        "first that is no policy is the x axis.",
    )
    if name:
        st.text_input(
            f"Values {place + 1}",
            key=written,
            max_chars=150,
            on_change=_take_values,
            args=(place, name),
            help=f"{HOW[0].upper()}{HOW[1:]}.",
        )


def _take_name(place: int, usual: dict[str, str]) -> None:
    name = st.session_state[f"sweep-name-{place}"]
    over = list(get_view().sweep_over)
    new = [] if not name else [f"{name}={usual.get(name, '')}"[:200]]
    over[place : place + 1] = new
    if over:
        change_view(sweep_over=tuple(over))


def _take_values(place: int, name: str) -> None:
    over = list(get_view().sweep_over)
    over[place] = f"{name}={st.session_state[f'sweep-values-{place}']}"[:200]
    change_view(sweep_over=tuple(over))


def usual_values(view: View) -> dict[str, str]:
    """Parameters of a scenario, and values that are tried first."""
    found = {"policy": ",".join(view.policies)}
    steps = {"load": "0.6:1.2:7", "burstiness": "0.5,1,2,4", "length_step": "0.5,1,1.5,2"}
    found |= {
        name: steps[name] for name in WHAT_IF if view.scenario.trace is None or name == "load"
    }
    return found | dict(_fields(view.scenario))


def _fields(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for name, value in _leaves("", plain_data(scenario)):
        if APART.fullmatch(name):
            continue
        if name in NAMED:
            yield name, NAMED[name]
        elif isinstance(value, bool):
            yield name, "true,false"
        elif isinstance(value, int):
            yield name, ",".join(map(str, sorted({max(value // 2, 1), value, 2 * value or 1})))
        elif isinstance(value, float):
            yield name, f"{value / 2:.4g}:{2 * value:.4g}:5" if value > 0 else "0,1"


def _leaves(path: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict | list):
        inner = node.items() if isinstance(node, dict) else enumerate(node)
        for name, value in inner:
            yield from _leaves(f"{path}.{name}" if path else str(name), value)
    else:
        yield path, node
