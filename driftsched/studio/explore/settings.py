"""What-if settings beside the sliders: tenants' shares, engine, estimates, policies' parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from driftsched.core.errors import InputError
from driftsched.estimation.classifier import CLASSIFIERS
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.scenario import with_share
from driftsched.scheduling.policies import POLICIES, PolicySpec
from driftsched.studio.scenario_editor.words import hint, label
from driftsched.studio.state import Key, change_scenario, change_view, get_view, set_view
from driftsched.studio.view import View, parameters
from driftsched.studio.words import choice_label, policy_label

__all__ = ["options_of", "settings", "with_value"]

REPLICAS = (1, 2, 3, 4, 6, 8, 12, 16)
FACTORS = (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100)
MOST_TENANTS = 8
"""With more tenants than this, sliders are no help; the Scenario page has a table."""


def settings(view: View) -> None:
    """Draw what is seldom changed."""
    _tenant_shares(view)
    rows: list[list[Callable[[View], None]]]
    rows = [[MODE, _replicas, LENGTHS], [UNIT, COMPENSATOR, CLASSIFIER]]
    for row in rows:
        for column, draw in zip(st.columns(3), row, strict=True):
            with column:
                draw(view)
    _policy_parameters(view)


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
            f"Share of {tenant.name} (%)",
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


@dataclass(frozen=True)
class Choice:
    """A setting of the scenario, chosen among a few values.

    `place` is its dotted path. Where it ends in ``kind`` another kind starts with its defaults.
    """

    label: str
    key: Key
    options: Iterable[str]
    place: str
    explanation: str

    def __call__(self, view: View) -> None:
        """Draw it; a change is in the view of the next run."""
        st.session_state[self.key] = attrgetter(self.place)(view.scenario)
        st.selectbox(
            self.label,
            list(self.options),
            key=self.key,
            format_func=choice_label,
            on_change=self._take,
            help=self.explanation,
        )

    def _take(self) -> None:
        chosen = st.session_state[self.key]
        field, last = self.place.replace(".", "__"), "__kind"
        value: Any = {"kind": chosen} if field.endswith(last) else chosen
        change_scenario(**{field.removesuffix(last): value})


MODE = Choice(
    "Batching",
    Key.ENGINE_MODE,
    ("gang", "continuous"),
    "engine.mode",
    "Gang: a batch starts together and ends when its longest answer ends (the paper's "
    "program). Continuous: a request joins and leaves at any step, as in vLLM.",
)
LENGTHS = Choice(
    "Answers end",
    Key.LENGTHS,
    ("natural", "capped"),
    "lengths",
    "Naturally: when the model has said enough. At the limit: always at the category's "
    "maximum, whatever the model says.",
)
UNIT = Choice(
    "Lengths counted in",
    Key.UNIT,
    ("words", "tokens"),
    "estimator.unit",
    "What the estimator counts. Words are what the paper's program counts; the engine works in "
    "tokens, about 1.4 a word, and that gap looks like drift.",
)
COMPENSATOR = Choice(
    "Correction",
    Key.COMPENSATOR,
    COMPENSATORS,
    "estimator.compensator.kind",
    "How estimates learn from finished requests. EMA: a moving average of actual over "
    "expected length for each category (the paper's). Oracle: knows every length beforehand; "
    "the best that any correction could do.",
)
CLASSIFIER = Choice(
    "Classifier",
    Key.CLASSIFIER,
    CLASSIFIERS,
    "estimator.classifier.kind",
    "Who names a request's category. Keyword: key words in the prompt (the paper's). Oracle: "
    "knows the true category.",
)


def _replicas(view: View) -> None:
    cluster = view.scenario.cluster
    st.session_state[Key.REPLICAS] = cluster.replicas
    st.select_slider(
        "GPUs (replicas)",
        with_value(REPLICAS, cluster.replicas),
        key=Key.REPLICAS,
        on_change=lambda: change_scenario(cluster__replicas=int(st.session_state[Key.REPLICAS])),
        disabled=bool(cluster.pools),
        help="Copies of the model that serve side by side. Where the scenario has pools of "
        "several kinds, edit them on the Scenario page.",
    )


def _policy_parameters(view: View) -> None:
    """Draw a control for each parameter of each policy that is compared."""
    specs = [scenario.policy for scenario in view.variants.values()]
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
    explanation = f"{(hint(field) or title).rstrip('.')}. Of the policy {policy_label(spec.kind)}."
    st.session_state[key] = value
    given: dict[str, Any] = {"key": key, "help": explanation, "on_change": _take_parameter}
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
