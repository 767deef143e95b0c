"""Choose a kind: a distribution, an arrival process, a policy; with sensible first parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from driftsched.core.errors import InputError
from driftsched.studio.scenario_editor.choices import names_for
from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.names import normalised
from driftsched.studio.scenario_editor.shapes import kinds_in
from driftsched.studio.words import choice_label

__all__ = ["edit_kind", "first_values", "kind_words"]

NO_KIND = "(none)"
NOTHING = {
    "prompt_tokens": "From the prompt template",
    "arrivals": "None: tenants have their own",
    "abandonment": "Nobody hangs up",
    "cost": "The cluster's",
}
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
    "replica": lambda mean: 0,
    "from_s": lambda mean: 30.0,
    "factor": lambda mean: 1.5,
    "amplitude": lambda mean: 0.3,
    "over_s": lambda mean: 60.0,
    "period_s": lambda mean: 300.0,
}
"""First value of a parameter without a default, from the mean of the former kind: lengths in
tokens, gaps in seconds. An unlisted one starts at 1."""


Names = Callable[[str], Sequence[str] | None]


def first_values(
    model: type[BaseModel], former: BaseModel | None = None, names: Names | None = None
) -> Data:
    """Parameters of a newly chosen kind, near the former one's mean where there is one.

    What has no mean, such as an event, keeps the fields that both kinds have.

    Parameters
    ----------
    names : callable
        Field → names of the scenario that it may hold, for fields that must name something.
    """
    mean = getattr(former, "mean", None) or getattr(former, "mean_gap_s", None)
    kept = {} if mean is not None or former is None else former.model_dump(mode="json")
    data: Data = {}
    for name, field in model.model_fields.items():
        if name in kept and name != "kind":
            data[name] = kept[name]
        elif field.is_required():
            data[name] = _first(
                name, field.annotation, float(mean or 100.0), names(name) if names else None
            )
        else:
            data[name] = to_jsonable_python(field.get_default(call_default_factory=True))
    return data


def _first(name: str, annotation: Any, mean: float, names: Sequence[str] | None) -> Any:
    kinds = kinds_in(annotation)
    if name in FIRST:
        value = FIRST[name](mean)
    elif get_origin(annotation) is dict:
        value = normalised(dict.fromkeys(names or (), 1.0))
    elif kinds:
        value = first_values(kinds.get("lognormal") or next(iter(kinds.values())))
    elif get_origin(annotation) is Literal:
        value = get_args(annotation)[0]
    elif annotation is bool:
        value = False
    elif annotation is int:
        value = 1
    elif str in (annotation, *get_args(annotation)):
        value = names[0] if names else ""
    elif get_origin(annotation) is tuple:
        value = []
    else:
        value = 1.0
    return float(f"{value:.4g}") if isinstance(value, float) else value


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
    nothing = NOTHING.get(key.rpartition(".")[2], "None")
    chosen = st.selectbox(
        label,
        names,
        index=at,
        key=widget,
        format_func=lambda name: nothing if name == NO_KIND else choice_label(name),
        help=_explained(kinds, explanation),
    )
    if chosen == NO_KIND or chosen is None:
        return None
    if value is not None and value.get("kind") == chosen:
        return value
    return first_values(kinds[chosen], _former(kinds, value), lambda field: names_for(draft, field))


def kind_words(kinds: Mapping[str, type[BaseModel]], item: Data) -> str:
    """Say in a few words which kind an item is and when it happens."""
    former = _former(kinds, item)
    words = getattr(former, "title", None) or choice_label(str(item.get("kind")))
    at = getattr(former, "at_s", getattr(former, "from_s", None))
    phase = getattr(former, "phase", None)
    return words if at is None else f"{words} from {at:g} s{f' of {phase}' if phase else ''}"


def _explained(kinds: dict[str, type[BaseModel]], explanation: str | None) -> str:
    lines = [explanation or ""]
    for name, model in kinds.items():
        first = (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"- **{choice_label(name)}**: {first}")
    return "\n".join(lines)


def _former(kinds: Mapping[str, type[BaseModel]], value: Data | None) -> BaseModel | None:
    try:
        return kinds[value["kind"]].model_validate(value) if value else None
    except (InputError, KeyError, ValueError):
        return None
