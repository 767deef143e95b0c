"""The session's view, its link, and the widgets that show and change it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Any, cast

import streamlit as st

from driftsched.scenario import Scenario, changed
from driftsched.studio.view import IN_LINK, SCENARIO, View, labels, read_link

_VIEW = "view"


class Key(StrEnum):
    """Every widget key of the frame and of Explore, Paper and Run; `bound` ones are fields."""

    PRESET = "preset"
    SEED = "seed"
    POLICY = "policy"
    LOAD = "load"
    BURSTS = "bursts"
    STEP = "step"
    REPLICATIONS = "replications"
    REPLICAS = "replicas"
    CUT = "cut"
    STEP_AT = "step_at"
    STEP_FOR = "step_for"
    LEVEL = "level"
    TENANT = "tenant"
    UNDER = "under"
    TAB = "tab"
    PIN = "pin"
    QUESTION = "question"
    TEACH = "teach"
    REPEAT = "repeat"
    POLICIES = "policies"
    ENGINE_MODE = "engine_mode"
    BATCH_SIZE = "batch_size"
    UNIT = "unit"
    LENGTHS = "lengths"
    PREDICTOR = "predictor"
    COMPENSATOR = "compensator"
    DETECTOR = "detector"
    CLASSIFIER = "classifier"
    RESET = "reset"
    SAVE = "save"
    COMPARE = "compare"
    IMAGE = "image"
    GROUP = "group"
    METRIC = "metric"
    PERCENTILES = "percentiles"
    SPLIT = "split"
    WORLD = "world"
    BESIDE = "beside"
    REQUEST = "request"
    PAPER = "paper"
    PAPER_UNIT = "paper_unit"
    PAPER_MODE = "paper_mode"
    PAPER_LENGTHS = "paper_lengths"
    PAPER_SEEDS = "paper_seeds"
    PAPER_ASSUMPTIONS = "paper_assumptions"
    KEPT_TEXT = "kept_text"
    KEPT_POLICY = "kept_policy"
    KEPT_WORLD = "kept_world"
    KEPT_TAG = "kept_tag"
    SWEEP_SAMPLE = "sweep_sample"
    SWEEP_SEEDS = "sweep_seeds"
    SWEEP_CHART = "sweep_chart"
    SWEEP_FIGURE = "sweep_figure"
    SWEEP_SECOND = "sweep_second"
    LAB_DRIFT = "lab_drift"
    LAB_SPREAD = "lab_spread"
    LAB_EFFECT = "lab_effect"
    LAB_LATE = "lab_late"
    LAB_WITH = "lab_with"
    LAB_DETECTOR = "lab_detector"
    LAB_POLICY = "lab_policy"
    LAB_MEASURE = "lab_measure"
    SIZING = "sizing"
    GOAL = "goal"
    GOAL_SHARE = "goal_share"
    GOAL_S = "goal_s"
    GPUS = "gpus"
    RUNS = "runs"
    BASELINE = "baseline"
    BESIDE_TAB = "beside_tab"


def get_view() -> View:
    """The session's view; on the first call it is read from the link."""
    if _VIEW not in st.session_state:
        params = {name: st.query_params.get_all(name) for name in st.query_params}
        st.session_state[_VIEW] = read_link(params)
        for name in params:
            if name not in (*SCENARIO, *IN_LINK):
                del st.query_params[name]
    return cast(View, st.session_state[_VIEW])


def forget_view() -> None:
    """Have the next `get_view` read the link again, as after the browser's back button."""
    st.session_state.pop(_VIEW, None)


def set_view(view: View) -> None:
    """Replace the session's view and its link."""
    st.session_state[_VIEW] = view
    share()


def change_view(**fields: Any) -> None:
    """Replace fields of the session's view."""
    set_view(get_view().changed(**fields))


def change_scenario(**fields: Any) -> None:
    """Replace fields of the session's scenario, as `driftsched.scenario.changed` names them."""
    change_view(scenario=changed(get_scenario(), **fields))


def get_scenario() -> Scenario:
    """The session's scenario as edited, before load, burstiness and drift."""
    return get_view().scenario


def bound(field: Key, shown: Any = None) -> dict[str, Any]:
    """Arguments that tie a widget to a field of the view: it shows it (or `shown`), changes it."""
    st.session_state[field] = getattr(get_view(), field) if shown is None else shown
    return {"key": field, "on_change": _take, "args": (field,)}


def _take(field: Key) -> None:
    value = st.session_state[field]
    # a slider adds up its steps, and 1.2000000000000002 would not be what the link says
    change_view(**{field: round(value, 4) if isinstance(value, float) else value})


def choice(
    label: str, field: Key, explanation: str, draw: Callable[..., Any] = st.selectbox, **more: Any
) -> Any:
    """Draw one of the view's choices by its labels, and return what is chosen.

    `draw` is `st.selectbox`, `st.select_slider` or `segments`, and `more` are further arguments of
    it.
    """
    names = labels(field)
    named = {"format_func": names.__getitem__, "help": explanation}
    return draw(label, list(names), **bound(field), **named, **more)


segments = partial(st.segmented_control, required=True)
"""A row of buttons, one of which is always chosen."""


def of_scenario(key: Key, place: str) -> dict[str, Any]:
    """Arguments that tie a widget to a field of the scenario, as `bound` does to one of the view.

    Where its dotted path ends in ``kind``, another kind starts with its defaults.
    """
    st.session_state[key] = attrgetter(place)(get_scenario())
    return {"key": key, "on_change": _take_field, "args": (key, place)}


def _take_field(key: Key, place: str) -> None:
    value: Any = st.session_state[key]
    if value is None:
        return
    field, last = place.replace(".", "__"), "__kind"
    if field.endswith(last):
        value = {"kind": value}
    change_scenario(**{field.removesuffix(last): value})


def share() -> None:
    """Write the view into the page's link, as far as one can hold its scenario."""
    wanted = get_view().link or {}
    current = {name: st.query_params.get_all(name) for name in st.query_params}
    ours = {name: values for name, values in current.items() if name in (*SCENARIO, *IN_LINK)}
    new = {
        name: value
        for name, value in wanted.items()
        if current.get(name) != (value if isinstance(value, list) else [value])
    }
    if new:
        st.query_params.update(new)  # at once: each writing is a step of the back button
    for name in ours:
        if name not in wanted:
            del st.query_params[name]
