"""What differs between two scenarios, as the changes that links and the command line take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from driftsched.core.errors import ScenarioError
from driftsched.scenario.model import Scenario
from driftsched.scenario.yaml_text import set_value

__all__ = ["differences", "differing", "plain_data"]


def differences(base: Scenario, scenario: Scenario) -> list[str] | None:
    """``key.path=value`` changes that turn `base` into `scenario`; None where they cannot."""
    if base is scenario:
        return []
    old, new = plain_data(base), plain_data(scenario)
    changes = list(_walk("", old, new))
    try:
        for path, value in changes:
            set_value(old, path, value)
    except ScenarioError:
        return None
    if _without_nulls(old) != new:
        return None
    return [f"{path}={_text(value)}" for path, value in changes]


WORDS = ("about", "title", "question", "name", "description")
"""Fields of a scenario that decide nothing."""


def differing(scenarios: Mapping[str, Scenario]) -> dict[str, dict[str, str]]:
    """What differs between scenarios, and nothing else.

    Returns
    -------
    dict
        Dotted name of a field, as ``--set`` takes it → name of a scenario → its value as text, ""
        where that has no such field. A mechanism's parameters stand below its ``kind``.
    """
    flat = {name: dict(_leaves("", plain_data(one))) for name, one in scenarios.items()}
    fields = dict.fromkeys(field for found in flat.values() for field in found)
    return {
        field: values
        for field in fields
        if field.partition(".")[0] not in WORDS
        and len(set((values := {n: found.get(field, "") for n, found in flat.items()}).values()))
        > 1
    }


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        yield path, _text(value)
    for name, inner in parts:
        yield from _leaves(f"{path}.{name}" if path else str(name), inner)


def _walk(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        if old.get("kind") != new.get("kind") and path:
            old = {}
        names = sorted(dict.fromkeys([*new, *old]), key=lambda name: name != "kind")
        for name in names:
            inner = f"{path}.{name}" if path else name
            yield from _walk(inner, old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _walk(f"{path}.{index}", before, after)
    elif isinstance(new, dict) and old is None and new:
        for name in sorted(new, key=lambda name: name != "kind"):
            yield f"{path}.{name}", new[name]
    elif old != new:
        yield path, new


def _text(value: Any) -> str:
    """A value as links and the command line read it; there it goes through YAML."""
    simple = isinstance(value, str) and value.replace("_", "").isalpha() and value not in _WORDS
    return str(value) if simple else json.dumps(value)


_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "True", "False", "None", "y", "n"}


def plain_data(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON has it, without what is not given."""
    data: dict[str, Any] = json.loads(scenario.model_dump_json(by_alias=True, exclude_none=True))
    return data


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
