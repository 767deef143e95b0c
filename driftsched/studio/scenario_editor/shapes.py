"""What a field holds, told from its type: a value, a part, one of several kinds, many of them."""

from __future__ import annotations

from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

__all__ = ["Shape", "is_optional", "item_of", "kinds_in", "model_in", "shape_of"]

Shape = Literal["value", "part", "kinds", "many", "named", "shares", "pairs"]


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


def item_of(annotation: Any) -> Any:
    """Type of a list's items or of a mapping's values; None where it is neither."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return inner[0]
    if origin is dict:
        return inner[1]
    if NoneType in inner:
        return next((item for part in inner if (item := item_of(part)) is not None), None)
    return None


def shape_of(annotation: Any) -> Shape:
    """How a field is to be edited.

    Examples
    --------
    >>> [shape_of(kind) for kind in (int | None, tuple[int, ...], dict[str, float], dict[str, str])]
    ['value', 'value', 'shares', 'pairs']
    """
    item = item_of(annotation)
    if item is None:
        if kinds_in(annotation):
            return "kinds"
        return "part" if model_in(annotation) else "value"
    structured = bool(kinds_in(item) or model_in(item))
    if not _is_mapping(annotation):
        return "many" if structured else "value"
    if structured:
        return "named"
    return "shares" if item in (int, float) else "pairs"


def _is_mapping(annotation: Any) -> bool:
    parts = (annotation, *get_args(annotation))
    return any(get_origin(part) is dict for part in parts)
