"""Text from outside → plain data: YAML, bounded and no key twice, and ``key.path=value``."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from driftsched.core.errors import ScenarioError
from driftsched.scenario.messages import shown

__all__ = ["apply_overrides", "key_and_text", "read_yaml", "read_yaml_file", "set_value"]

MAX_BYTES = 2_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 30


class _Loader(yaml.SafeLoader):
    """The safe loader, but two equal keys are refused, and ``1:30`` is text.

    It would let the last of the two win, and read numbers to base 60, of which a long one keeps a
    core busy for minutes; YAML 1.2 has them no longer.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = (key_node.tag, key_node.value) if isinstance(key_node.value, str) else None
            if key is not None and key in seen and key_node.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"{shown(key_node.value)} stands here twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> Any:
    if ":" in node.value:
        return node.value
    whole = node.tag.endswith(":int")
    return (loader.construct_yaml_int if whole else loader.construct_yaml_float)(node)


for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _number)


def read_yaml(text: str, what: str) -> Any:
    """Read YAML into values of their own: what an alias repeats is copied.

    Parameters
    ----------
    text : str
        2 MB at most.
    what : str
        What the text is, for messages.

    Raises
    ------
    ScenarioError
        One line: broken YAML with line and column, too long, too deep, or aliases that would
        unfold to over 200,000 values.
    """
    if len(text) > MAX_BYTES:
        raise ScenarioError(f"{what} must have at most {MAX_BYTES} characters, got {len(text)}")
    try:
        return _plain(yaml.load(text, _Loader), what)  # noqa: S506  _Loader is a safe one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ScenarioError(f"{what} is not YAML: {where}{problem:.200}") from None
    except RecursionError:
        raise ScenarioError(f"{what} must be nested at most {MAX_DEPTH} deep, got more") from None
    except ScenarioError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What PyYAML raises for 2020-13-45, !!int x, !!bool x and the like.
        problem = " ".join(str(error).split())
        raise ScenarioError(f"{what} is not YAML: a value cannot be read: {problem:.200}") from None


def read_yaml_file(path: Path, what: str) -> Any:
    """Read a file as `read_yaml` reads text; one that cannot be read is one line too."""
    what = f"{what} file {shown(str(path))}"
    try:
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(MAX_BYTES + 1)
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{what} must be UTF-8 text: {error.reason}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ScenarioError(f"{what} cannot be read: {reason}") from None
    return read_yaml(text, what)


def _plain(data: Any, what: str = "scenario") -> Any:
    """Copy nested mappings and lists, so that no part is shared, within bounds.

    Raises
    ------
    ScenarioError
        When it is nested too deep or holds too many values.
    """
    left = [MAX_VALUES]

    def copy(value: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise ScenarioError(f"{what} must have at most {MAX_VALUES} values, got more")
        if depth > MAX_DEPTH:
            raise ScenarioError(f"{what} must be nested at most {MAX_DEPTH} deep, got more")
        if isinstance(value, dict):
            return {key: copy(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [copy(inner, depth + 1) for inner in value]
        return value

    return copy(data, 0)


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
    changed: dict[str, Any] = _plain(data)
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
