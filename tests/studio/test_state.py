"""Links: what is in the address gives the same view to somebody else, or one clear message."""

from __future__ import annotations

import ast
import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.core.errors import InputError
from driftsched.scenario import Scenario, load_scenario, parse_scenario, preset_names
from driftsched.studio.keys import Key
from driftsched.studio.link import MAX_LINK_BYTES, decode, differences, encode
from driftsched.studio.linked import unknown_names
from driftsched.studio.live.state import LiveKey
from driftsched.studio.whatif import changed, with_load, with_policy


def there_and_back(scenario: Scenario, preset: str = "paper") -> tuple[str, Scenario]:
    params = encode(scenario, preset)
    assert params is not None
    return decode({k: [v] if isinstance(v, str) else v for k, v in params.items()})


def many_tenants(scenario: Scenario, n: int) -> Scenario:
    data = scenario.model_dump(by_alias=True)
    # names that do not compress, so that the size cap is met
    names = [f"t{i}-{hash_text(i)}" for i in range(n)]
    data["tenants"] = [data["tenants"][0] | {"name": name, "share": 1 / n} for name in names]
    return parse_scenario(data)


def hash_text(i: int) -> str:
    return f"{zlib.crc32(str(i).encode()):08x}{zlib.crc32(str(-i).encode()):08x}"


CHANGES: dict[str, Callable[[Scenario], Scenario]] = {
    "nothing": lambda s: s,
    "seed": lambda s: changed(s, seed=7),
    "policy": lambda s: with_policy(s, "sjf"),
    "three fields": lambda s: changed(
        s, engine__mode="continuous", lengths="capped", estimator__unit="tokens"
    ),
    "compensator": lambda s: changed(s, estimator__compensator={"kind": "ema", "alpha": 0.3}),
    "load": lambda s: with_load(s, 1.7),
    "a title with signs": lambda s: changed(s, title="a=b & c: 50 %, “ü” #1"),
    "a word that YAML reads as a truth": lambda s: changed(s, title="no"),
    "an SLO taken away": lambda s: changed(
        s, tenants=[t.model_dump() | {"slo": {}} for t in s.tenants]
    ),
    "twenty tenants": lambda s: many_tenants(s, 20),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_link_gives_the_same_scenario_back(change: Callable[[Scenario], Scenario]) -> None:
    scenario = change(load_scenario("paper"))
    assert there_and_back(scenario) == ("paper", scenario)


@pytest.mark.parametrize("preset", preset_names())
def test_untouched_preset_needs_its_name_only(preset: str) -> None:
    scenario = load_scenario(preset)
    assert encode(scenario, preset) == ({} if preset == "paper" else {"preset": preset})
    assert there_and_back(scenario, preset) == (preset, scenario)


def test_few_changes_are_readable() -> None:
    scenario = changed(load_scenario("paper"), seed=7, policy={"kind": "sjf"})
    assert encode(scenario, "paper") == {"set": ["seed=7", "policy.kind=sjf"]}


def test_differences_are_what_the_command_line_takes() -> None:
    paper = load_scenario("paper")
    scenario = changed(paper, engine__batch_size=8, estimator__compensator={"kind": "none"})
    changes = differences(paper, scenario)
    assert changes == ["estimator.compensator.kind=none", "engine.batch_size=8"]
    assert load_scenario("paper", changes) == scenario


def test_too_big_for_a_link() -> None:
    assert encode(many_tenants(load_scenario("paper"), 400), "paper") is None


def packed(data: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(data).encode())).decode()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"preset": ["nope"]}, "preset must be one of paper"),
        ({"preset": ["../pyproject.toml"]}, "preset must be one of paper"),
        ({"set": ["seed=-1"]}, "seed must be >= 0, got -1"),
        ({"set": ["seed"]}, "must be key.path=value"),
        ({"set": ["polcy.kind=sjf"]}, "polcy is not a field"),
        ({"scenario": ["%%%"]}, "not readable"),
        ({"scenario": [packed({"schema": 1})[:-9]]}, "cut"),
        ({"scenario": [packed([1, 2])]}, "must be a mapping"),
        ({"scenario": [packed({"name": "x"})]}, "tenants is required"),
        ({"scenario": ["A" * (MAX_LINK_BYTES + 1)]}, "at most 6000 characters"),
        ({"scenario": [packed("x" * 1_000_000)]}, "too big"),
    ],
)
def test_bad_link_is_one_line(params: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError) as error:
        decode(params)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def look() -> None:
    import streamlit as st

    from driftsched.studio.state import get_view, share

    view = get_view()
    share()
    seen = (view.preset, view.scenario.seed, view.load, ",".join(view.policies), *view.problems)
    st.text(" ".join(map(str, seen)))


def view_of(params: dict[str, list[str]]) -> AppTest:
    app = AppTest.from_function(look)
    for name, values in params.items():
        app.query_params[name] = values
    app.run()
    assert not app.exception
    return app


def test_view_comes_from_the_link_and_goes_back_into_it() -> None:
    link = {"set": ["seed=9"], "load": ["1.5"], "policies": ["fifo,sjf"]}
    app = view_of(link)
    assert app.text[0].value.split() == ["paper", "9", "1.5", "fifo,sjf"]
    written = {name: app.query_params[name] for name in link}
    assert {name: [v] if isinstance(v, str) else v for name, v in written.items()} == link


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"load": ["fast"]}, "load must be a number from 0.1 to 4, got 'fast'"),
        ({"load": ["1e9"]}, "load must be a number from 0.1 to 4, got '1e9'"),
        ({"load": ["nan"]}, "load must be a number from 0.1 to 4, got 'nan'"),
        ({"policies": ["fifo,best"]}, "policies must be among fifo"),
        ({"policies": [""]}, "policies must name at least one"),
        ({"world": ["Mars"]}, "world must be one of Simulated, Live, got 'Mars'"),
        ({"paper_seeds": ["4"]}, "paper_seeds must be one of 3, 5, 10, 20, got '4'"),
        ({"utm_source": ["x"]}, "a link's name must be one of cut, cv, drift, drift_policy, load"),
        ({"lod": ["2"]}, "a link's name must be a known one, such as load, got lod='2'"),
        ({"set": ["seed=-1", "engine.batch_size=8"]}, "seed must be >= 0, got -1"),
    ],
)
def test_what_is_wrong_in_a_link_is_said_and_all_else_kept(
    params: dict[str, list[str]], message: str
) -> None:
    right = {"set": ["seed=9", "policy.kind=sjf"], "cv": ["2"]}
    both = {name: right.get(name, []) + params.get(name, []) for name in {**right, **params}}
    app = view_of(both)
    text = app.text[0].value
    assert message in text
    assert text.split()[:3] == ["paper", "9", "1.0"]
    found = {name: app.query_params[name] for name in app.query_params}
    written = {name: [v] if isinstance(v, str) else v for name, v in found.items()}
    kept = [v for v in both["set"] if v != "seed=-1"]
    assert written == {"set": kept, "cv": ["2"]} | {
        name: values for name, values in params.items() if name in ("world", "paper_seeds")
    }


def test_link_to_no_scenario_is_the_default_with_the_knobs() -> None:
    app = view_of({"preset": ["nope"], "load": ["2"], "set": ["seed=9"]})
    text = app.text[0].value
    assert text.split()[:3] == ["paper", "1", "2.0"]
    assert "preset must be one of paper" in text
    assert "“The published experiment” is shown instead" in text


@pytest.mark.parametrize("file", ["/etc/passwd", "presets/paper.yaml", "no-such.csv"])
def test_link_cannot_name_a_file_of_the_server(file: str) -> None:
    """Its first line would be shown to whoever sends the link."""
    trace = {"file": file}
    data = load_scenario("paper").model_dump(mode="json", by_alias=True, exclude_none=True)
    for params in (
        {"set": [f"trace={json.dumps(trace)}", "phases=[]"]},
        {"scenario": [packed(data | {"trace": trace, "phases": []})]},
    ):
        with pytest.raises(InputError, match="file must be a file uploaded"):
            decode(params)


def test_every_choice_that_stands_in_a_link_is_known() -> None:
    """A widget bound to the link whose name is missing here would be called unknown."""
    studio = Path(__file__).resolve().parents[2] / "driftsched" / "studio"
    keys = {"Key": Key, "LiveKey": LiveKey}
    calls = [
        (call, {word.arg: word.value for word in call.keywords})
        for path in studio.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
    ]
    bound = set()
    for call, given in calls:
        helps = isinstance(call.func, ast.Name) and call.func.id == "one_policy"
        key = given.get("key")
        if (helps or "bind" in given) and isinstance(key, ast.Attribute):
            assert isinstance(key.value, ast.Name)
            bound.add(str(keys[key.value.id][key.attr]))
    assert len(bound) >= 9
    assert unknown_names(dict.fromkeys(bound, ("x",)), []) == {}
