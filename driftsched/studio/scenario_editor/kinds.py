"""Choose a kind: a distribution, an arrival process, a policy; with sensible first parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, get_args

import streamlit as st
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from driftsched.errors import InputError
from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.words import choice_label

__all__ = ["edit_kind", "first_values", "kinds_in"]

NO_KIND = "(none)"
FIRST: dict[str, Callable[[float], Any]] = {
    "tokens": lambda mean: mean,
    "mean_tokens": lambda mean: mean,
    "low": lambda mean: max(1.0, mean / 2),
    "high": lambda mean: max(1.0, mean * 1.5),
    "mu": lambda mean: math.log(max(mean, 1.0)) - 0.125,
    "sigma": lambda mean: 0.5,
    "shape": lambda mean: 2.0,
    "scale": lambda mean: mean / 2,
    "quantiles": lambda mean: [max(1.0, mean / 4), mean, mean * 2],
    "low_s": lambda mean: mean / 2,
    "high_s": lambda mean: mean * 1.5,
    "rate_rps": lambda mean: 1 / mean,
    "cv": lambda mean: 2.0,
    "on_rps": lambda mean: 4 / mean,
    "on_s": lambda mean: 10.0,
    "off_s": lambda mean: 30.0,
    "base_rps": lambda mean: 1 / mean,
    "users": lambda mean: 10,
    "seconds": lambda mean: mean,
    "mean_s": lambda mean: mean,
    "median_s": lambda mean: mean,
    "scale_s": lambda mean: mean,
    "token_s": lambda mean: 0.02,
    "iteration_tokens": lambda mean: [1, 512],
    "iteration_ms": lambda mean: [20.0, 60.0],
}
"""First value of a parameter without a default, from the mean of the former kind: lengths in
tokens, gaps in seconds. An unlisted one starts at 1."""


def kinds_in(annotation: Any) -> dict[str, type[BaseModel]]:
    """Kind → model of all kinds a field may take; empty where it is no such field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        return {} if kind is None else {str(kind.default): annotation}
    kinds: dict[str, type[BaseModel]] = {}
    for part in get_args(annotation):
        kinds |= kinds_in(part)
    return kinds


def first_values(model: type[BaseModel], former: BaseModel | None) -> Data:
    """Parameters of a newly chosen kind, near the former one's mean where there is one."""
    mean = float(getattr(former, "mean", None) or getattr(former, "mean_gap_s", None) or 100.0)
    data: Data = {}
    for name, field in model.model_fields.items():
        if field.is_required():
            start = FIRST.get(name)
            value = start(mean) if start else 1.0
            data[name] = float(f"{value:.4g}") if isinstance(value, float) else value
        else:
            data[name] = to_jsonable_python(field.default)
    return data


def edit_kind(
    draft: Draft,
    kinds: dict[str, type[BaseModel]],
    value: Data | None,
    key: str,
    label: str,
    explanation: str | None,
    optional: bool = False,
) -> Data | None:
    """Draw the chooser; return the data of the chosen kind, parameters not yet edited."""
    names = [NO_KIND, *kinds] if optional else list(kinds)
    current = NO_KIND if value is None else value.get("kind")
    widget = draft.key(f"{key}.kind")
    at = draft.first(widget, names.index(current) if current in names else 0)
    chosen = st.selectbox(
        label, names, index=at, key=widget, format_func=_said, help=_explained(kinds, explanation)
    )
    if chosen == NO_KIND or chosen is None:
        return None
    if value is not None and value.get("kind") == chosen:
        return value
    return first_values(kinds[chosen], _former(kinds, value))


def _said(name: str) -> str:
    return "From the prompt template" if name == NO_KIND else choice_label(name)


def _explained(kinds: dict[str, type[BaseModel]], explanation: str | None) -> str:
    lines = [explanation or ""]
    for name, model in kinds.items():
        first = (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"- **{choice_label(name)}**: {first}")
    return "\n".join(lines)


def _former(kinds: dict[str, type[BaseModel]], value: Data | None) -> BaseModel | None:
    try:
        return kinds[value["kind"]].model_validate(value) if value else None
    except (InputError, KeyError, ValueError):
        return None
