"""``key.path=value`` overrides: what they set, and one clear line for what they cannot."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.core.errors import ScenarioError
from driftsched.scenario import apply_overrides, load_scenario


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("tenants.0.weight=2", ("tenants", 0, "weight"), 2),
        ("title=a=b", ("title",), "a=b"),
        ("title='no'", ("title",), "no"),
        ("limits.waiting=null", ("limits", "waiting"), None),
        ("mix={a: [1, [2]], b: {c: 3}}", ("mix",), {"a": [1, [2]], "b": {"c": 3}}),
        (" seed =7", ("seed",), 7),
        ("tenants.1={name: x}", ("tenants", 1), {"name": "x"}),
        ("new.part.deep=1", ("new", "part", "deep"), 1),
    ],
)
def test_override_sets_the_value(override: str, path: tuple[Any, ...], value: object) -> None:
    """A value read in another way would run another experiment than was asked for."""
    node: Any = apply_overrides({"tenants": [{"name": "a"}, {}], "seed": 1}, [override])
    for part in path:
        node = node[part]
    assert node == value


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set must be key.path=value, got 'seed'"),
        ("=3", "--set must be key.path=value"),
        ("a..b=1", "--set must be key.path=value"),
        ("tenants.9.x=1", "list item must be a number from 0 to 0, got '9'"),
        ("tenants.-1.x=1", "got '-1'"),
        ("tenants.²=1", "got '²'"),
        ("tenants.99999999999999999999=1", "list item must be a number from 0 to 0"),
        ("none.0=1", "list, which is empty"),
        ("seed=[", "--set seed is not YAML: line 1"),
        ("seed=&a [*a]", "nested at most"),
        ("seed=2020-13-45", "--set seed is not YAML: a value cannot be read"),
    ],
)
def test_wrong_override_is_one_line(override: str, message: str) -> None:
    """Nothing may be swallowed, and no traceback may reach the command line."""
    with pytest.raises(ScenarioError) as error:
        apply_overrides({"tenants": [{}], "none": [], "seed": 1}, [override])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_another_kind_drops_the_former_parameters() -> None:
    """The former kind's parameters would be refused as unknown fields."""
    data = {"policy": {"kind": "aging", "rate": 2}}
    assert apply_overrides(data, ["policy.kind=sjf"]) == {"policy": {"kind": "sjf"}}
    assert apply_overrides(data, ["policy.kind=aging"]) == data


def test_shared_parts_are_changed_one_by_one_and_the_input_never() -> None:
    """YAML aliases share one mapping: an override of one phase must not reach the others."""
    mix = {"a": 1}
    data = {"phases": [{"mix": mix}, {"mix": mix}]}
    changed = apply_overrides(data, ["phases.0.mix.a=0.5"])
    assert changed == {"phases": [{"mix": {"a": 0.5}}, {"mix": {"a": 1}}]}
    assert data["phases"][0]["mix"]["a"] == 1


def test_alias_in_a_preset_is_not_shared() -> None:
    """flash-crowd writes its mix once; the override is meant for the first phase alone."""
    wanted = "phases.0.mix={short_qa: 1}"
    scenario = load_scenario("flash-crowd", [wanted])
    assert scenario.phases[0].mix == {"short_qa": 1}
    assert scenario.phases[1].mix["short_qa"] == 0.4


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_set_or_refused_in_one_line(text: str) -> None:
    """Whatever is typed, the only exception is ours."""
    try:
        apply_overrides({"tenants": [{}], "seed": 1}, [text])
    except ScenarioError as error:
        assert "\n" not in str(error)
