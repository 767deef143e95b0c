"""Validation errors in one line of plain words: path, rule, value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from driftsched.core.config import NAME_PATTERN

__all__ = ["one_line", "shown"]

NUMBER = "must be a number"
WHOLE = "must be a whole number"
TEXT = "must be text"
LIST = "must be a list"
FIELDS = "must be a mapping of fields"
RULES = {
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "missing": "is required",
    "finite_number": "must be a finite number",
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE + " of a reasonable size",
    "int_from_float": WHOLE,
    "string_type": TEXT,
    "string_unicode": TEXT,
    "tuple_type": LIST,
    "list_type": LIST,
    "dict_type": "must be a mapping of names to values",
    "model_type": FIELDS,
    "model_attributes_type": FIELDS,
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "union_tag_invalid": "must have a kind of {expected_tags}",
    "union_tag_not_found": "needs a kind",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
}
NAME_RULE = "must be 1 to 40 letters, digits or _ . - and begin with a letter or digit"
LONGEST = 500


def one_line(
    error: ValidationError,
    model: type[BaseModel],
    what: str = "scenario",
) -> str:
    """Say what the first problem is: its path, the rule, the value.

    Parameters
    ----------
    error : ValidationError
        Of `model`.
    model : type
        Its fields are offered where a name is misspelt.
    what : str
        What the model is.
    """
    first = error.errors(include_url=False)[0]
    loc = first["loc"]
    kind, context = first["type"], first.get("ctx", {})
    if kind == "truth":  # found before the fields are looked at, so the path ends one too early
        path = _path((*loc, context["field"]), model)
        return f"{path} must be {context['rule']}, got {shown(context['value'])}"
    path = _path(loc, model) or what
    if kind == "extra_forbidden":
        article = "an" if what[0] in "aeiou" else "a"
        message = f"{path} is not a field of {article} {what}{_did_you_mean(str(loc[-1]), model)}"
    elif kind == "value_error":
        said = str(context["error"])
        message = f"{path}: {said}" if loc else said
    elif loc and loc[-1] == "[key]":
        message = (
            f"{_path(loc[:-2], model)} must have names that are text, got {shown(first['input'])}"
        )
    else:
        got = "" if kind == "missing" else f", got {shown(first['input'])}"
        message = f"{path} {_rule(kind, context, first['msg'])}{got}"
    flat = " ".join(message.split())
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 3]}..."


def _rule(kind: str, context: Mapping[str, Any], message: str) -> str:
    if context.get("pattern") == NAME_PATTERN:
        return NAME_RULE
    if kind == "too_short" and context["min_length"] > 1:
        return f"must have at least {context['min_length']} entries"
    rule = RULES.get(kind)
    if rule is None:
        return message.replace("Input should", "must")
    plain = {name: f"{v:g}" if isinstance(v, float) else v for name, v in context.items()}
    return rule.format(**plain)


def _path(loc: Iterable[int | str], model: type[BaseModel]) -> str:
    """Render ('tenants', 2, 'weight') as tenants[2].weight; the names of kinds are left out."""
    path = ""
    here: list[Any] = [model]  # what may stand there
    for part in loc:
        models = [one for one in here if isinstance(one, type) and issubclass(one, BaseModel)]
        of_kind = [one for one in models if _kind(one) == part]
        if of_kind:
            here = of_kind
            continue
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            name = part if part.isprintable() and len(part) <= 60 else shown(part)
            path += f".{name}" if path else name
        inner = [
            get_args(one)[-1 if get_origin(one) is dict else 0] for one in here if get_args(one)
        ]
        fields = [one.model_fields[part].annotation for one in models if part in one.model_fields]
        here = [one for held in fields or inner for one in _alternatives(held)]
    return path


def _kind(model: type[BaseModel]) -> object:
    field = model.model_fields.get("kind")
    return None if field is None else field.default


def _alternatives(annotation: Any) -> list[Any]:
    """The types that a union is made of, at any depth; one for any other."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [one for part in get_args(annotation) for one in _alternatives(part)]
    return [annotation]


def _did_you_mean(name: str, model: type[BaseModel]) -> str:
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    names = sorted({field for part in parts for field in part.get("properties", {})})
    close = difflib.get_close_matches(name[:60], names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def shown(value: object) -> str:
    """Show a value as it stands in YAML, cut to 80 characters."""
    try:
        text = _text(value)
    except (ValueError, RecursionError):  # whole numbers of over 4300 digits
        text = f"a {type(value).__name__} too big to show"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value[:80]))}]"
    if isinstance(value, dict):
        pairs = list(value.items())[:80]
        return "{" + ", ".join(f"{_text(key)}: {_text(inner)}" for key, inner in pairs) + "}"
    return repr(value)
