"""A scenario in a link: preset and changed fields, or the whole scenario compressed."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from driftsched.core.errors import InputError, ScenarioError
from driftsched.scenario import (
    Scenario,
    apply_overrides,
    load_scenario,
    parse_scenario,
    preset_names,
)
from driftsched.studio import presets
from driftsched.studio.traces import check_browser_scenario

__all__ = ["DEFAULT_PRESET", "MAX_LINK_BYTES", "decode", "differences", "encode", "read"]

DEFAULT_PRESET = "paper"
MAX_LINK_BYTES = 6000
"""A longer ``scenario=`` is neither written nor read."""
MAX_PLAIN_BYTES = 600
MAX_INFLATED_BYTES = 200_000


def encode(scenario: Scenario, preset: str) -> dict[str, str | list[str]] | None:
    """Query parameters from which `decode` gets the same scenario back.

    Few changes are readable, ``preset=paper&set=seed=7``; many are one compressed ``scenario=``.

    Returns
    -------
    dict or None
        Empty for the untouched default preset; None where the scenario is too big for a link.
    """
    named: dict[str, str | list[str]] = {} if preset == DEFAULT_PRESET else {"preset": preset}
    if preset in preset_names():
        changes = differences(presets.preset(preset), scenario)
        if changes is not None and sum(map(len, changes)) <= MAX_PLAIN_BYTES:
            return named | ({"set": changes} if changes else {})
    packed = zlib.compress(json.dumps(_plain(scenario), separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return None if len(text) > MAX_LINK_BYTES else named | {"scenario": text}


def decode(params: Mapping[str, list[str]]) -> tuple[str, Scenario]:
    """Preset name and scenario of a link's query parameters, validated.

    Raises
    ------
    InputError
        One line that says what is wrong with the link.
    """
    preset = (params.get("preset") or [DEFAULT_PRESET])[-1]
    packed = params.get("scenario")
    if not packed:
        if preset not in preset_names():  # a link must not name a file
            known = ", ".join(preset_names())
            raise ScenarioError(f"preset must be one of {known}, got {preset[:60]!r}")
        return preset, check_browser_scenario(load_scenario(preset, params.get("set", [])))
    scenario = check_browser_scenario(parse_scenario(_inflate(packed[-1])))
    return (preset if preset in preset_names() else DEFAULT_PRESET), scenario


def read(params: Mapping[str, list[str]]) -> tuple[str, Scenario, list[str]]:
    """As `decode`, without what is wrong: a change that cannot be made is left out.

    Returns
    -------
    preset : str
    scenario : Scenario
        The default preset where the link's own cannot be read at all.
    problems : list of str
        What was left out and why.
    """
    try:
        return *decode(params), []
    except InputError as error:
        problems = [str(error)]
    preset = (params.get("preset") or [DEFAULT_PRESET])[-1]
    if "scenario" in params or preset not in preset_names():
        scenario = presets.preset(DEFAULT_PRESET)
        return DEFAULT_PRESET, scenario, [f"{problems[0]}; “{scenario.title}” is shown instead"]
    kept: list[str] = []
    scenario, problems = presets.preset(preset), []
    for change in params.get("set", []):
        try:
            _, scenario = decode({"preset": [preset], "set": [*kept, change]})
            kept.append(change)
        except InputError as error:
            problems.append(str(error))
    return preset, scenario, problems


def differences(base: Scenario, scenario: Scenario) -> list[str] | None:
    """``key.path=value`` overrides that turn `base` into `scenario`; None where they cannot."""
    changes = [
        f"{path}={_value(value)}" for path, value in _walk("", _plain(base), _plain(scenario))
    ]
    return changes if _repeats(base, changes, scenario) else None


def _repeats(base: Scenario, changes: list[str], scenario: Scenario) -> bool:
    try:
        return parse_scenario(apply_overrides(_plain(base), changes)) == scenario
    except InputError:
        return False


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


def _value(value: Any) -> str:
    simple = isinstance(value, str) and value.replace("_", "").isalpha() and value not in _WORDS
    return str(value) if simple else json.dumps(value)


_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "True", "False", "None", "y", "n"}


def _plain(scenario: Scenario) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(scenario.model_dump_json(by_alias=True, exclude_none=True))
    return data


def _inflate(text: str) -> dict[str, Any]:
    if len(text) > MAX_LINK_BYTES:
        raise ScenarioError(
            f"scenario must be at most {MAX_LINK_BYTES} characters, got {len(text)}"
        )
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        raw = inflater.decompress(packed, MAX_INFLATED_BYTES)
        if not inflater.eof:
            raise ScenarioError("scenario is cut short or too big")
        data: dict[str, Any] = json.loads(raw)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError("scenario is not readable; was the link cut?") from None
    return data
