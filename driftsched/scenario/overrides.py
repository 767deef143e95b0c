"""``key.path=value`` overrides, as on the command line and in links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from driftsched.core.errors import ScenarioError
from driftsched.scenario.messages import shown
from driftsched.scenario.yaml_text import plain, read_yaml

__all__ = ["apply_overrides", "key_and_text", "set_value"]


def apply_overrides(data: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return a copy of `data` with each ``key.path=value`` set; list items go by number.

    Values are read as YAML, so ``tenants.0.weight=2`` is a number and ``policy.kind=sjf`` a word.
    Naming another ``kind`` drops the parameters of the former one.

    Raises
    ------
    ScenarioError
        One line that names the override.

    Examples
    --------
    >>> apply_overrides({"tenants": [{"weight": 1}]}, ["tenants.0.weight=2"])
    {'tenants': [{'weight': 2}]}
    """
    changed: dict[str, Any] = plain(data)
    for override in overrides:
        key, text = key_and_text(override)
        set_value(changed, key, read_yaml(text, f"--set {key if len(key) <= 80 else shown(key)}"))
    return changed


def key_and_text(override: str) -> tuple[str, str]:
    """The two sides of ``key.path=value``.

    Raises
    ------
    ScenarioError
        One of them is missing.
    """
    key, found, text = override.partition("=")
    key = key.strip()
    if not found or not all(key.split(".")):
        raise ScenarioError(f"--set must be key.path=value, got {shown(override)}")
    return key, text


def set_value(data: dict[str, Any], key: str, value: Any) -> None:
    """Set what `key` leads to, in `data` itself.

    Raises
    ------
    ScenarioError
        It leads nowhere; nothing is changed then.
    """
    node: Any = data
    *parents, last = key.split(".")
    for part in parents:
        node = _step(node, part, key)
    if isinstance(node, list):
        node[_index(node, last, key)] = value
    elif isinstance(node, dict):
        if last == "kind" and node.get("kind") != value:
            node.clear()
        node[last] = value
    else:
        raise ScenarioError(f"--set {key}: {last!r} is inside a plain value, not a field")


def _step(node: Any, part: str, key: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, part, key)]
    if isinstance(node, dict):
        if not isinstance(node.get(part), dict | list):
            node[part] = {}
        return node[part]
    raise ScenarioError(f"--set {key}: {part!r} is inside a plain value, not a field")


def _index(items: list[Any], part: str, key: str) -> int:
    number = int(part) if part.isdecimal() and len(part) < 10 else len(items)
    if number >= len(items):
        known = f"a number from 0 to {len(items) - 1}" if items else "in the list, which is empty"
        raise ScenarioError(f"--set {key}: list item must be {known}, got {part!r}")
    return number
