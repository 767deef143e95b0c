"""Scenarios in and out: YAML, presets, overrides, JSON schema; errors that name the path."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from driftsched.errors import ScenarioError, UnknownNameError
from driftsched.scenario.model import Scenario

__all__ = [
    "apply_overrides",
    "from_yaml",
    "json_schema",
    "load_scenario",
    "parse_scenario",
    "preset_names",
    "preset_path",
    "to_yaml",
]

PRESETS = Path(__file__).resolve().parents[2] / "presets"
MAX_BYTES = 2_000_000
RULES = {
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "missing": "is required",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "union_tag_invalid": "must have kind {expected_tags}",
    "union_tag_not_found": "needs a kind",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}


def parse_scenario(data: Mapping[str, Any]) -> Scenario:
    """Validate plain data into a `Scenario`.

    Raises
    ------
    ScenarioError
        One line with the path, the rule and the value of the first broken field.
    """
    if not isinstance(data, Mapping):
        raise ScenarioError(f"scenario must be a mapping of fields, got {type(data).__name__}")
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    first = problems[0]
    path = _path(first["loc"])
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{path} is not a field of a scenario{_did_you_mean(first['loc'])}"
    if kind == "value_error":
        message = str(context["error"])
        joined = f"{path}: {message}" if path else f"scenario {message}"
        return joined
    rule = RULES.get(kind)
    said = rule.format(**context) if rule else first["msg"].replace("Input should", "must")
    got = "" if kind == "missing" else f", got {_shown(first['input'])}"
    return f"{path or 'scenario'} {said}{got}"


def _path(loc: Iterable[int | str]) -> str:
    """Render ('tenants', 2, 'weight') as tenants[2].weight; union tags are left out."""
    path = ""
    data_keys = list(loc)
    for index, part in enumerate(data_keys):
        if isinstance(part, int):
            path += f"[{part}]"
        elif index and _is_tag(data_keys[index - 1], part):
            continue
        else:
            path += f".{part}" if path else str(part)
    return path


_TAGGED = {"policy", "compensator", "classifier", "arrivals", "prompt_tokens", "output_tokens", "cost"}


def _is_tag(parent: int | str, part: str) -> bool:
    return parent in _TAGGED and part != "kind"


def _did_you_mean(loc: tuple[int | str, ...]) -> str:
    names = sorted(_field_names(Scenario.model_json_schema(by_alias=True)))
    close = difflib.get_close_matches(str(loc[-1]), names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _field_names(schema: Mapping[str, Any]) -> set[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def from_yaml(text: str) -> Scenario:
    """Read a scenario from YAML text; `ScenarioError` names line and column of broken YAML."""
    return parse_scenario(_yaml(text))


def _yaml(text: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise ScenarioError(f"scenario must be at most {MAX_BYTES} bytes, got {len(text)}")
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ScenarioError(f"scenario is not YAML: {where}{problem}") from None
    except RecursionError:
        raise ScenarioError("scenario is nested too deeply") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"scenario must be a mapping of fields, got {_shown(data)}")
    return data


def to_yaml(scenario: Scenario) -> str:
    """Write a scenario as YAML; `from_yaml` gives an equal one back."""
    data = json.loads(scenario.model_dump_json(by_alias=True, exclude_none=True))
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def preset_names() -> list[str]:
    """Names of the presets that ship with the studio, the paper's first."""
    names = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    return sorted(names, key=lambda name: (not name.startswith("paper"), name))


def preset_path(name: str) -> Path:
    """Path of the preset `name`; `UnknownNameError` lists the known ones."""
    if name not in preset_names():
        known = ", ".join(preset_names())
        raise UnknownNameError(f"scenario must be a file or one of {known}, got {name!r}")
    return PRESETS / f"{name}.yaml"


def load_scenario(source: str | Path, overrides: Iterable[str] = ()) -> Scenario:
    """Load a scenario from a file or by a preset's name, with ``key.path=value`` overrides.

    Raises
    ------
    ScenarioError, UnknownNameError
        One line; nothing is half-loaded.
    """
    path = Path(source)
    if not path.is_file():
        path = preset_path(str(source))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"scenario file {path} cannot be read: {error}") from None
    return parse_scenario(apply_overrides(_yaml(text), overrides))


def apply_overrides(data: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return a copy of `data` with each ``key.path=value`` set; list items go by number.

    Values are read as YAML, so ``tenants.0.weight=2`` is a number and ``policy.kind=sjf`` a word.
    Naming another ``kind`` drops the parameters of the former one.
    """
    changed: dict[str, Any] = json.loads(json.dumps(data, default=str))
    for override in overrides:
        key, found, text = override.partition("=")
        if not found or not key.strip():
            raise ScenarioError(f"--set must be key.path=value, got {override!r}")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ScenarioError(f"--set {key} must be a YAML value, got {text!r}") from None
        _set(changed, key.strip().split("."), value, key)
    return changed


def _set(node: Any, parts: list[str], value: Any, key: str) -> None:
    *parents, last = parts
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
    if not part.isdigit() or int(part) >= len(items):
        raise ScenarioError(
            f"--set {key}: list item must be a number from 0 to {len(items) - 1}, got {part!r}"
        )
    return int(part)


def json_schema() -> dict[str, Any]:
    """JSON schema of a scenario file."""
    return Scenario.model_json_schema(by_alias=True)
