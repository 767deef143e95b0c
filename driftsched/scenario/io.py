"""Scenarios in and out: YAML, presets, overrides, JSON schema; errors that name the path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from driftsched import TOP
from driftsched.core.errors import ScenarioError, UnknownNameError
from driftsched.scenario.messages import one_line, shown
from driftsched.scenario.model import Scenario
from driftsched.scenario.yaml_text import apply_overrides, read_yaml, read_yaml_file

__all__ = [
    "from_yaml",
    "json_schema",
    "load_scenario",
    "parse_scenario",
    "preset_names",
    "preset_path",
    "to_yaml",
]

PRESETS = TOP / "presets"


def parse_scenario(data: Mapping[str, Any]) -> Scenario:
    """Validate plain data into a `Scenario`.

    Raises
    ------
    ScenarioError
        One line with the path, the rule and the value of the first broken field.
    """
    if not isinstance(data, Mapping):
        raise ScenarioError(f"scenario must be a mapping of fields, got {shown(data)}")
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(one_line(error, Scenario)) from None


def from_yaml(text: str) -> Scenario:
    """Read a scenario from YAML text; `ScenarioError` names line and column of broken YAML."""
    return parse_scenario(read_yaml(text, "scenario"))


def to_yaml(scenario: Scenario) -> str:
    """Write a scenario as YAML; `from_yaml` gives an equal one back."""
    text = scenario.model_dump_json(by_alias=True, exclude_none=True)
    # YAML reads these as line ends and folds them, unless they are escaped.
    odd = any(sign in text for sign in "\x85\u2028\u2029")
    return yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=not odd, width=100)


def preset_names() -> list[str]:
    """Names of the presets that ship with the studio, the paper's first."""
    names = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    return sorted(names, key=lambda name: (not name.startswith("paper"), name))


def preset_path(name: str) -> Path:
    """Path of the preset `name`.

    Raises
    ------
    UnknownNameError
        When there is none; the known ones are listed.
    """
    if name not in preset_names():
        known = ", ".join(preset_names())
        raise UnknownNameError(f"scenario must be a file or one of {known}, got {shown(name)}")
    return PRESETS / f"{name}.yaml"


def load_scenario(source: str | Path, overrides: Iterable[str] = ()) -> Scenario:
    """Load a scenario from a file or by a preset's name, with ``key.path=value`` overrides.

    Raises
    ------
    ScenarioError, UnknownNameError
        One line; nothing is half-loaded.
    """
    data = read_yaml_file(_path(source), "scenario")
    if not isinstance(data, dict):
        raise ScenarioError(f"scenario must be a mapping of fields, got {shown(data)}")
    return parse_scenario(apply_overrides(data, overrides))


def _path(source: str | Path) -> Path:
    """The file that is named, else the preset of that name."""
    try:
        if Path(source).is_file():
            return Path(source)
    except (OSError, ValueError):  # no name of a file, and none of a preset
        pass
    return preset_path(str(source))


def json_schema() -> dict[str, Any]:
    """JSON schema of a scenario file."""
    return Scenario.model_json_schema(by_alias=True)
