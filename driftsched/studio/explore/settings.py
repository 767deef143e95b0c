"""What-if settings beside the sliders: tenants' shares, engine, estimates, policies' parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import Annotated, Any, get_args

import streamlit as st
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from driftsched.charts.labels import policy_label
from driftsched.core.errors import InputError
from driftsched.core.mechanism import Mechanism
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.estimation.predictors import PREDICTORS
from driftsched.scenario import with_share
from driftsched.scheduling.policies import POLICIES, PolicySpec
from driftsched.studio.fields import parameters
from driftsched.studio.scenario_editor.schema import kinds_in
from driftsched.studio.scenario_editor.words import EXPLAINED, hint, label
from driftsched.studio.state import (
    Key,
    change_scenario,
    change_view,
    get_view,
    of_scenario,
    set_view,
)
from driftsched.studio.view import View
from driftsched.studio.words import choice_label, plain, rules

FACTORS = (0, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100)
MOST_TENANTS = 8
"""With more tenants than this, sliders are no help; the Scenario page has a table."""


RULED: dict[str, Mapping[str, type[Mechanism]]] = {
    "predictor": PREDICTORS,
    "compensator": COMPENSATORS,
    "detector": DETECTORS,
}
CHOICES = {
    Key.ENGINE_MODE: "engine.mode",
    Key.LENGTHS: "lengths",
    Key.UNIT: "estimator.unit",
    Key.PREDICTOR: "estimator.predictor.kind",
    Key.COMPENSATOR: "estimator.compensator.kind",
    Key.DETECTOR: "estimator.detector.kind",
    Key.CLASSIFIER: "estimator.classifier.kind",
}
"""What has few values, and where it stands in the scenario."""


def settings(view: View) -> None:
    """Draw what is seldom changed."""
    _tenant_shares(view)
    places = (*st.columns(4), *st.columns(3))
    for place, (key, path) in zip(places, CHOICES.items(), strict=True):
        with place:
            _choice(key, path)
    _policy_parameters(view)


def _choice(key: Key, path: str) -> None:
    *parts, name = path.removesuffix(".kind").split(".")
    holder = attrgetter(".".join(parts))(get_view().scenario) if parts else get_view().scenario
    values = type(holder).model_fields[name].annotation
    st.selectbox(
        label(name),
        list(kinds_in(values) or get_args(values)),
        **of_scenario(key, path),
        format_func=choice_label,
        help=f"{EXPLAINED[name]}\n\n{rules(RULED.get(name, {}))}",
    )


def _tenant_shares(view: View) -> None:
    """Draw a slider a tenant; moving one scales the others."""
    tenants = view.scenario.tenants
    if len(tenants) == 1:
        return
    if len(tenants) > MOST_TENANTS:
        st.caption(f"The shares of {len(tenants)} tenants are edited on the Scenario page.")
        return
    fixed = view.scenario.trace is not None or all(phase.shares for phase in view.scenario.phases)
    places = st.columns(min(len(tenants), 4))
    for number, tenant in enumerate(tenants):
        key = f"share-{tenant.name}"
        st.session_state[key] = round(100 * tenant.share, 1)
        places[number % len(places)].slider(
            f"Share of {plain(tenant.name)} (%)",
            0.0,
            100.0,
            step=1.0,
            format="%.0f",
            key=key,
            on_change=_take_share,
            args=(tenant.name,),
            disabled=fixed,
            help="Share of the requests; the others keep their proportions. A trace, or phases "
            "with shares of their own, cannot be changed here.",
        )


def _take_share(tenant: str) -> None:
    share = st.session_state[f"share-{tenant}"] / 100
    change_view(scenario=with_share(get_view().scenario, tenant, share))


def _policy_parameters(view: View) -> None:
    """Draw a control for each parameter of each policy that is compared."""
    specs = [scenario.policy for scenario in view.variants.values()]
    shown = [(spec, name, value) for spec in specs for name, value in parameters(spec).items()]
    places = st.columns(3) if shown else []
    for number, (spec, name, value) in enumerate(shown):
        with places[number % 3]:
            _parameter(spec, name, value)


def _parameter(spec: PolicySpec, name: str, value: Any) -> None:
    field = type(spec).model_fields[name]
    title, key = f"{policy_label(spec.kind)}: {label(name).lower()}", f"tune-{spec.kind}-{name}"
    explanation = f"{(hint(field) or title).rstrip('.')}. Of the policy {policy_label(spec.kind)}."
    st.session_state[key] = value
    given: dict[str, Any] = {"key": key, "help": explanation, "on_change": _take_parameter}
    given["args"] = (spec.kind, name)
    if field.annotation is bool:
        st.toggle(title, **given)
    else:
        options = options_of(field, value)
        st.select_slider(title, options, format_func="{:g}".format, **given)


def options_of(field: FieldInfo, value: float) -> list[float]:
    """Multiples of a parameter's default that its rules allow, and the value it has."""
    rules: Any = Annotated[(field.annotation, *field.metadata)]
    allowed = TypeAdapter[float](rules)
    found = {value}
    for factor in FACTORS:
        number = float(f"{factor * (field.default or 1):.3g}")
        with suppress(ValidationError):
            found.add(allowed.validate_python(round(number) if field.annotation is int else number))
    return sorted(found)


def _take_parameter(kind: str, name: str) -> None:
    view, value = get_view(), st.session_state[f"tune-{kind}-{name}"]
    if view.scenario.policy.kind == kind:
        change_scenario(**{f"policy__{name}": value})
        return
    own = {spec.kind: parameters(spec) for spec in view.tuned}.get(kind, {})
    try:
        spec = POLICIES[kind](kind=kind, **own | {name: value})
    except (InputError, ValueError):
        return  # two parameters that do not go together: the control falls back
    set_view(view.retuned(spec))


def with_value(options: Iterable[Any], value: Any) -> list[Any]:
    """The options in order, with a value that is not among them."""
    return sorted({*options, value})
