"""Scenario files: what is written is read back equal; what is broken is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.core.errors import InputError, ScenarioError, UnknownNameError
from driftsched.scenario import (
    Scenario,
    from_yaml,
    json_schema,
    load_scenario,
    preset_names,
    to_yaml,
)
from driftsched.scenario.yaml_text import read_yaml
from tests.support.scenarios import scenarios, small


@pytest.mark.parametrize("name", preset_names())
def test_preset_round_trip(name: str) -> None:
    """A saved scenario that differs from the one that ran could not repeat it."""
    scenario = load_scenario(name)
    assert from_yaml(to_yaml(scenario)) == scenario


@settings(max_examples=60, deadline=None)
@given(scenarios())
def test_any_scenario_round_trip(scenario: Scenario) -> None:
    """Floats, limits and optional parts must survive the file."""
    assert from_yaml(to_yaml(scenario)) == scenario


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_words_round_trip(title: str, question: str) -> None:
    """Titles are free text: quotes, colons, line ends, other scripts."""
    try:
        scenario = small(title=title, question=question)
    except ScenarioError:
        return  # lone surrogates
    assert from_yaml(to_yaml(scenario)) == scenario


def bomb(depth: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, depth)]
    return "\n".join(lines)


def test_numbers_to_base_60_are_text() -> None:
    """YAML 1.1 multiplies them out digit by digit, which a long one makes a matter of minutes."""
    data = read_yaml("a: 1:30\nb: 1:30.5\nc: 5\nd: 1.5\ne: 2026-01-01 10:00:00", "text")
    assert (data["a"], data["b"], data["c"], data["d"]) == ("1:30", "1:30.5", 5, 1.5)
    long = "1:" * 100_000 + "1"
    assert read_yaml(f"a: {long}", "text") == {"a": long}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "scenario must be a mapping of fields, got null"),
        ("- 1", "scenario must be a mapping of fields, got [1]"),
        ("name: [", "scenario is not YAML: line 1"),
        ("name: a\nname: b", "line 2, column 1: 'name' stands here twice"),
        ("a: !!python/object:os.system x", "scenario is not YAML: line 1"),
        ("a: !!int x", "a value cannot be read"),
        ("a: 2020-13-45", "a value cannot be read"),
        ("a: !!bool x", "a value cannot be read"),
        ("? [a]\n: 1", "scenario is not YAML"),
        ("a: *" + 5000 * "b", "scenario is not YAML: line 1, column 4: found undefined alias"),
        ("a: &a [*a]", "nested at most 30 deep"),
        ("a: " + "[" * 40 + "]" * 40, "nested at most 30 deep"),
        ("a: " + "[" * 20_000, "nested at most 30 deep"),
        (bomb(12), "at most 200000 values"),
        ("x" * 2_000_001, "at most 2000000 characters"),
        ("a: \0", "scenario is not YAML"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_broken_text_is_one_line(text: str, message: str) -> None:
    """Text from a browser must not crash, hang or fill the server."""
    with pytest.raises(ScenarioError) as error:
        from_yaml(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_refused_in_one_line(text: str) -> None:
    """No text makes any other exception than ours."""
    with pytest.raises(InputError) as error:
        from_yaml(text)
    assert "\n" not in str(error.value)


def test_aliases_within_bounds_are_copied() -> None:
    """Presets use them; a copy each keeps later changes apart."""
    text = to_yaml(small()).replace("mix:\n    short_qa: 1.0", "mix: &mix {short_qa: 1}")
    assert "&mix" in text
    assert from_yaml(text) == small()


def test_merges_of_merges_are_read_at_once() -> None:
    """With PyYAML before 6.0.4 each level took nine times as long as the one before."""
    levels = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 16)]
    found = read_yaml("\n".join(["a0: &a0 {x: 1}", *levels]), "scenario")
    assert found["a15"] == {"x": 1}


def test_unknown_preset_and_unreadable_file(tmp_path: Path) -> None:
    """A misspelt name lists the presets; a binary file is said to be none."""
    with pytest.raises(UnknownNameError, match=r"one of paper.*got 'papr'"):
        load_scenario("papr")
    with pytest.raises(InputError):
        load_scenario("a\0b")
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="must be UTF-8 text"):
        load_scenario(path)
    path.write_text("\ufeff" + to_yaml(small()), encoding="utf-8")
    assert load_scenario(path, ["seed=5"]).seed == 5


def test_schema_is_json_and_names_the_fields() -> None:
    """Editors complete and check with it."""
    schema = json.loads(json.dumps(json_schema()))
    assert {"schema", "tenants", "phases", "policy"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
