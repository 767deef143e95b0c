"""Parameters of the compared policies, made from their models: a new one shows by itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from driftsched.core.errors import InputError
from driftsched.scheduling.policies import POLICIES, PolicySpec
from driftsched.studio.scenario_editor.words import hint, label
from driftsched.studio.state import View, get_view, set_view
from driftsched.studio.tuning import parameters, retuned
from driftsched.studio.whatif import changed, variants
from driftsched.studio.words import choice_label, policy_label

__all__ = ["options_of", "policy_parameters"]

FACTORS = (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100)


def policy_parameters(view: View) -> None:
    """Draw a control for each parameter of each policy that is compared."""
    specs = [s.policy for s in variants(view.scenario, view.policies, view.tuned).values()]
    shown = [
        (spec, name, value)
        for spec in specs
        for name, value in parameters(spec).items()
        if _drawable(type(spec).model_fields[name])
    ]
    places = st.columns(3) if shown else []
    for number, (spec, name, value) in enumerate(shown):
        with places[number % 3]:
            _parameter(spec, name, value)


def _drawable(field: FieldInfo) -> bool:
    return field.annotation in (int, float, bool) or get_origin(field.annotation) is Literal


def _parameter(spec: PolicySpec, name: str, value: Any) -> None:
    field = type(spec).model_fields[name]
    title, key = f"{policy_label(spec.kind)}: {label(name).lower()}", f"tune-{spec.kind}-{name}"
    said = f"{(hint(field) or title).rstrip('.')}. Of the policy {policy_label(spec.kind)}."
    st.session_state[key] = value
    given: dict[str, Any] = {"key": key, "help": said, "on_change": _take}
    given["args"] = (spec.kind, name)
    if field.annotation is bool:
        st.toggle(title, **given)
    elif get_origin(field.annotation) is Literal:
        st.selectbox(title, get_args(field.annotation), format_func=choice_label, **given)
    else:
        options = options_of(field, value)
        st.select_slider(title, options, format_func="{:g}".format, **given)


def options_of(field: FieldInfo, value: float) -> list[Any]:
    """Values around a parameter's default that its bounds allow, and the value it has."""
    low, high, whole = -math.inf, math.inf, field.annotation is int
    open_low = False
    for rule in field.metadata:
        low = max(low, getattr(rule, "ge", -math.inf), getattr(rule, "gt", -math.inf))
        high = min(high, getattr(rule, "le", math.inf), getattr(rule, "lt", math.inf))
        open_low = open_low or hasattr(rule, "gt")
    middle = float(field.default) if isinstance(field.default, int | float) else float(value)
    found = {float(f"{factor * (middle or 1):.3g}") for factor in FACTORS}
    found = {round(x) if whole else x for x in found if low < x < high}
    if low == 0 and not open_low:
        found.add(0 if whole else 0.0)
    return sorted({*found, int(value) if whole else float(value)})


def _take(kind: str, name: str) -> None:
    view, value = get_view(), st.session_state[f"tune-{kind}-{name}"]
    if view.scenario.policy.kind == kind:
        fields = {f"policy__{name}": value}
        set_view(replace(view, scenario=changed(view.scenario, **fields)))
        return
    own = {spec.kind: parameters(spec) for spec in view.tuned}.get(kind, {})
    try:
        spec = POLICIES[kind](kind=kind, **own | {name: value})
    except (InputError, ValueError):
        return  # two parameters that do not go together: the control falls back
    set_view(replace(view, tuned=retuned(view.tuned, spec)))
