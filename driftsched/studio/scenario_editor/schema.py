"""What a model's fields hold, told from their types, and what a new kind of them starts with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from driftsched.core.errors import InputError
from driftsched.studio.scenario_editor.names import normalised

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
STARTS: dict[str, dict[str, Any]] = {
    "Phase": {"requests": 1000, "arrivals": {"kind": "poisson", "rate_rps": 5.0}}
}
"""First values of a model's fields that have a default, of which it needs some."""
Kinds = Mapping[str, type[BaseModel]]
Names = Callable[[str], Sequence[str] | None]


def kinds_in(annotation: Any) -> dict[str, type[BaseModel]]:
    """Kind → model of all kinds a field may take; empty where it is no such field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        return {} if kind is None else {str(kind.default): annotation}
    kinds: dict[str, type[BaseModel]] = {}
    for part in get_args(annotation):
        kinds |= kinds_in(part)
    return kinds


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The one model that a field holds; it may be optional."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [model for part in get_args(annotation) if (model := model_in(part))]
    return found[0] if len(found) == 1 else None


def is_optional(annotation: Any) -> bool:
    """Whether a field may be None."""
    return NoneType in get_args(annotation)


def item_of(annotation: Any) -> tuple[type | None, Any]:
    """Container (tuple, dict, or None) of a field, and the type of what it holds.

    Examples
    --------
    >>> item_of(tuple[int, ...] | None), item_of(dict[str, float]), item_of(int | None)
    ((<class 'tuple'>, <class 'int'>), (<class 'dict'>, <class 'float'>), (None, None))
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return item_of(inner[0])
    if origin in (tuple, dict):
        return origin, inner[0 if origin is tuple else 1]
    if NoneType in inner:
        return next((found for part in inner if (found := item_of(part))[0]), (None, None))
    return None, None


def parsed(kinds: Kinds, value: Mapping[str, Any] | None) -> BaseModel | None:
    """The object that a kind's data stand for; None where they are not valid."""
    try:
        return kinds[value["kind"]].model_validate(value) if value else None
    except (InputError, KeyError, ValueError):
        return None


def first_values(
    model: type[BaseModel], former: BaseModel | None = None, names: Names | None = None
) -> dict[str, Any]:
    """Parameters of a newly chosen kind, near the former one's mean where there is one.

    What has no mean, such as an event, keeps the fields that both kinds have. `names` gives for a
    field the names of the scenario that it may hold, for fields that must name something.
    """
    mean = getattr(former, "mean", None) or getattr(former, "mean_gap_s", None)
    kept = {} if mean is not None or former is None else former.model_dump(mode="json")
    kept = kept | STARTS.get(model.__name__, {})
    data: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in kept and name != "kind":
            data[name] = kept[name]
        elif field.is_required():
            known = names(name) if names else None
            data[name] = _first(name, field.annotation, float(mean or 100.0), known)
        else:
            data[name] = to_jsonable_python(field.get_default(call_default_factory=True))
    return data


def _first(name: str, annotation: Any, mean: float, names: Sequence[str] | None) -> Any:
    kinds, (container, _) = kinds_in(annotation), item_of(annotation)
    if name in FIRST:
        value = FIRST[name](mean)
    elif container is dict:
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
    else:
        value = [] if container is tuple else 1.0
    return float(f"{value:.4g}") if isinstance(value, float) else value
