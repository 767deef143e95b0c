"""A scenario in a link: preset and changed fields, or the whole scenario compressed."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from driftsched.core.errors import InputError, ScenarioError
from driftsched.scenario import Scenario, load_scenario, parse_scenario, preset_names
from driftsched.scenario.differences import differences, plain_data
from driftsched.scenario.yaml_text import key_and_text, set_value
from driftsched.studio.traces import check_browser_scenario

DEFAULT_PRESET = "busy-gpu"
"""Where the studio opens: a bare address."""
UNNAMED = "paper"
"""What a link means that says something, but names no preset: links once left this one out."""
MAX_LINK_BYTES = 6000
"""A longer ``scenario=`` is neither written nor read."""
MAX_PLAIN_BYTES = 600
MAX_INFLATED_BYTES = 200_000
MOST_WRONG = 20
"""With more wrong changes than this no change is made."""
TRUTHS = {"yes": True, "on": True, "no": False, "off": False}


@cache
def preset(name: str) -> Scenario:
    """The preset `name`, as it is when it is first asked for."""
    return load_scenario(name)


def scenario_params(scenario: Scenario, name: str) -> dict[str, str | list[str]] | None:
    """Query parameters from which `read_scenario` gets the same scenario back.

    Few changes are readable, ``preset=paper&set=seed=7``; many are one compressed ``scenario=``.
    Empty for untouched `UNNAMED`; None where the scenario is too big for a link.
    """
    named: dict[str, str | list[str]] = {} if name == UNNAMED else {"preset": name}
    if name in preset_names():
        changes = differences(preset(name), scenario)
        if changes is not None and sum(map(len, changes)) <= MAX_PLAIN_BYTES:
            return named | ({"set": changes} if changes else {})
    packed = zlib.compress(json.dumps(plain_data(scenario), separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return None if len(text) > MAX_LINK_BYTES else named | {"scenario": text}


def read_scenario(params: Mapping[str, Sequence[str]]) -> tuple[str, Scenario, list[str]]:
    """Preset name and scenario of a link, and a line for each thing in it that was left out.

    The default preset where the link's own cannot be read at all.
    """
    usual = UNNAMED if params else DEFAULT_PRESET
    name, known = (params.get("preset") or [usual])[-1], preset_names()
    try:
        if params.get("scenario"):
            scenario = check_browser_scenario(parse_scenario(_inflate(params["scenario"][-1])))
            return (name if name in known else usual), scenario, []
        if name not in known:  # a link must not name a file
            raise ScenarioError(f"preset must be one of {', '.join(known)}, got {name[:60]!r}")
    except InputError as error:
        scenario = preset(DEFAULT_PRESET)
        return DEFAULT_PRESET, scenario, [f"{error}; “{scenario.title}” is shown instead"]
    return name, *with_changes(preset(name), params.get("set", ()))


def with_changes(base: Scenario, texts: Sequence[str]) -> tuple[Scenario, list[str]]:
    """Make the changes that can be made, all at once; each that cannot is a line."""
    problems: list[str] = []
    changes: list[tuple[str, Any]] = []
    for text in texts:
        try:
            key, value = key_and_text(text)
        except ScenarioError as error:
            problems.append(str(error))
        else:
            changes.append((key, plain_value(value)))
    unchanged = plain_data(base)
    for _ in range(MOST_WRONG if changes else 0):
        data, made = deepcopy(unchanged), []
        for key, value in changes:
            try:
                set_value(data, key, value)
                made.append((key, value))
            except ScenarioError as error:
                problems.append(str(error))
        try:
            return check_browser_scenario(parse_scenario(data)), problems
        except ScenarioError as error:
            changes = _without(made, str(error), problems)
    return base, problems


def _without(
    changes: Sequence[tuple[str, Any]], refusal: str, problems: list[str]
) -> list[tuple[str, Any]]:
    """The changes but for those that a refusal is about; it begins with a field's path."""
    path = [part for part in re.split(r"[.\[\]]+", re.split(r"[\s:]", refusal)[0]) if part]
    last = {key: place for place, (key, _) in enumerate(changes)}  # it overrides those before
    about = [
        all(a == b for a, b in zip(key.split("."), path, strict=False)) and last[key] == place
        for place, (key, _) in enumerate(changes)
    ]
    if not any(about):
        about = [True] * len(changes)
    words = [
        hit and isinstance(value, str) and value in TRUTHS
        for (_, value), hit in zip(changes, about, strict=True)
    ]
    if any(words):  # the field takes no word; perhaps it takes a truth
        return [
            (key, TRUTHS[value] if word else value)
            for (key, value), word in zip(changes, words, strict=True)
        ]
    problems.append(refusal)
    return [change for change, hit in zip(changes, about, strict=True) if not hit]


def plain_value(text: str) -> Any:
    """A value as JSON has it, else the text itself: its field knows what to make of it."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


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
