"""Links: what is in the address gives the same view to somebody else, or one clear message."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.scenario import (
    Scenario,
    TraceSource,
    changed,
    load_scenario,
    parse_scenario,
    preset_names,
    with_load,
    with_policy,
)
from driftsched.scenario.differences import differences
from driftsched.scheduling.policies.aging import AgingConfig
from driftsched.studio import link
from driftsched.studio.link import (
    DEFAULT_PRESET,
    MAX_LINK_BYTES,
    UNNAMED,
    read_scenario,
    scenario_params,
)
from driftsched.studio.view import View, read_link


def there_and_back(scenario: Scenario, preset: str = "paper") -> tuple[str, Scenario]:
    params = scenario_params(scenario, preset)
    assert params is not None
    name, found, problems = read_scenario(lists(params) or {"preset": [UNNAMED]})
    assert problems == []
    return name, found


def lists(params: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {k: [v] if isinstance(v, str) else v for k, v in params.items()}


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
    assert scenario_params(scenario, preset) == ({} if preset == UNNAMED else {"preset": preset})
    assert there_and_back(scenario, preset) == (preset, scenario)


def test_few_changes_are_readable() -> None:
    scenario = changed(load_scenario("paper"), seed=7, policy={"kind": "sjf"})
    assert scenario_params(scenario, "paper") == {
        "set": ["seed=7", "policy.kind=sjf"],
    }


def test_differences_are_what_the_command_line_takes() -> None:
    paper = load_scenario("paper")
    scenario = changed(paper, engine__batch_size=8, estimator__compensator={"kind": "none"})
    changes = differences(paper, scenario)
    assert changes == ["estimator.compensator.kind=none", "engine.batch_size=8"]
    assert load_scenario("paper", changes) == scenario


def test_too_big_for_a_link() -> None:
    assert scenario_params(many_tenants(load_scenario("paper"), 400), "paper") is None


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
    preset, scenario, problems = read_scenario(params)
    assert len(problems) == 1
    assert message in problems[0]
    assert "\n" not in problems[0]
    usual = UNNAMED if "set" in params else DEFAULT_PRESET
    assert (preset, scenario) == (usual, load_scenario(usual))


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
        ({"load": ["fast"]}, "load must be a number, got 'fast'"),
        ({"load": ["1e9"]}, "load must be <= 4, got '1e9'"),
        ({"load": ["nan"]}, "load must be a finite number, got 'nan'"),
        ({"policies": ["best,worst"]}, "policies must be among fifo"),
        ({"policies": [""]}, "policies must name at least one"),
        ({"world": ["Mars"]}, "world must be one of Simulated, Live, got 'Mars'"),
        ({"paper_seeds": ["4"]}, "paper_seeds must be one of 3, 5, 10, 20, got '4'"),
        ({"utm_source": ["x"]}, "a link's name must be one that Copy link writes, got utm_source"),
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
    assert written == {"set": kept, "cv": ["2"]}


def test_link_to_no_scenario_is_the_default_with_the_knobs() -> None:
    app = view_of({"preset": ["nope"], "load": ["2"], "set": ["seed=9"]})
    text = app.text[0].value
    assert text.split()[:3] == [DEFAULT_PRESET, "1", "2.0"]
    assert "preset must be one of paper" in text
    assert "“A busy GPU” is shown instead" in text


@pytest.mark.parametrize("file", ["/etc/passwd", "presets/paper.yaml", "no-such.csv"])
def test_link_cannot_name_a_file_of_the_server(file: str) -> None:
    """Its first line would be shown to whoever sends the link."""
    trace = {"file": file}
    data = load_scenario("paper").model_dump(mode="json", by_alias=True, exclude_none=True)
    for params in (
        {"set": [f"trace={json.dumps(trace)}", "phases=[]"]},
        {"scenario": [packed(data | {"trace": trace, "phases": []})]},
    ):
        _, scenario, problems = read_scenario(params)
        assert scenario.trace is None
        assert "file must be a file uploaded" in problems[0]


OTHERS: dict[str, object] = {
    "sizing": "gpus",
    "goal": "p99_ttft_ms",
    "goal_share": 0.9,
    "goal_s": 2.5,
    "gpus": "L4=0.5,H100",
    "load": 1.7,
    "bursts": 0.33,
    "step": 2.5,
    "replications": 12,
    "cut": True,
    "policies": ("fifo", "aging"),
    "tuned": (AgingConfig(rate=0.25),),
    "metric": "ttft_s",
    "percentiles": "10, 99.9",
    "split": "tenant",
    "step_at": 20.0,
    "step_for": 5.0,
    "level": 99.0,
    "tenant": "premium",
    "under": "sjf",
    "tab": "Drift",
    "pin": "preset=paper&load=2",
    "image": "png",
    "world": "live",
    "beside": "aging",
    "request": 7,
    "live": '{"requests":7}',
    "paper": "vtc",
    "paper_unit": "tokens",
    "paper_mode": "continuous",
    "paper_lengths": "capped",
    "paper_seeds": 20,
    "paper_assumptions": True,
    "kept_text": "night",
    "kept_policy": "sjf",
    "kept_world": "live",
    "kept_tag": "nightly",
    "lab_drift": "own",
    "lab_spread": 0.3,
    "lab_effect": 0.0,
    "lab_late": 50,
    "lab_with": ("none", "quantile"),
    "lab_detector": "cusum",
    "lab_policy": "srpt",
    "lab_measure": "p99_s",
    "sweep_over": ("load=1,2", "policy=fifo"),
    "sweep_sample": "lhs:50",
    "sweep_seeds": 1,
    "sweep_chart": "heat",
    "sweep_figure": "total_cost",
    "sweep_second": "gpu_hours",
    "runs": ("20260101-000000-paper-fifo-0", "@sjf"),
    "baseline": "@sjf",
    "beside_tab": "All",
}
"""Field of the view → a value that is not its default."""


def test_link_carries_every_field_of_the_view() -> None:
    """A choice that is not in the link shows somebody else another picture."""
    assert set(OTHERS) == {*View.model_fields} - {"preset", "scenario", "problems"}
    for name, value in OTHERS.items():
        view = read_link({"preset": [UNNAMED]}).changed(**{name: value})
        link = view.link
        assert link is not None
        assert len(link) == 1, name
        assert read_link(lists(link)) == view


@pytest.mark.parametrize(
    ("link", "field", "value"),
    [
        ({"world": "Live"}, "world", "live"),
        ({"metric": "First token"}, "metric", "ttft_s"),
        ({"split": "By tenant"}, "split", "tenant"),
        ({"service_level": "P99"}, "level", 99.0),
        ({"queue_policy": "SJF"}, "under", "sjf"),
        ({"paper_unit": "Tokens"}, "paper_unit", "tokens"),
        ({"paper_seeds": "5"}, "paper_seeds", 5),
        ({"cut": "yes"}, "cut", True),
        ({"cv": "2"}, "bursts", 2.0),
        ({"drift": "0.5"}, "step", 0.5),
        ({"tune": "aging.rate=0.02"}, "tuned", (AgingConfig(rate=0.02),)),
        ({"tune": "aging.rate=2e-2"}, "tuned", (AgingConfig(rate=0.02),)),
    ],
)
def test_former_links_are_read_as_ever(link: dict[str, str], field: str, value: object) -> None:
    view = read_link({name: [text] for name, text in link.items()})
    assert view.problems == ()
    assert getattr(view, field) == value


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("engine.batch_size=1:30", "engine.batch_size must be a whole number, got '1:30'"),
        ("seed=0o17", "seed must be a whole number, got '0o17'"),
        ("tenants={<<: &a [1], x: *a}", "tenants must be a list, got '{<<: &a [1], x: *a}'"),
        ("engine.batch_size=NaN", "engine.batch_size must be a whole number, got 'NaN'"),
        ("title=" + "[" * 5000, "title must have at most"),
    ],
)
def test_value_is_read_by_its_fields_type_and_not_as_yaml(change: str, rule: str) -> None:
    """YAML knows numbers to base 60 and lists that unfold to gigabytes."""
    view = read_link({"set": ["seed=9", change]})
    assert len(view.problems) == 1
    assert rule in view.problems[0]
    assert view.scenario == changed(load_scenario("paper"), seed=9)


def test_word_is_a_truth_where_the_field_is_one() -> None:
    view = read_link({"set": ["phases.0.drain=no", "title=no"]})
    assert view.problems == ()
    assert view.scenario.phases[0].drain is False
    assert view.scenario.title == "no"


def test_each_wrong_change_is_a_line_and_the_others_are_made() -> None:
    wrong = ["seed=-1", "tenants.0.weight=x", "polcy.kind=sjf", "engine", "tenants.9.weight=2"]
    right = ["engine.batch_size=8", "tenants.1.weight=5", "policy.kind=aging", "policy.rate=0.5"]
    mixed = [change for pair in zip(wrong, [*right, "title=x"], strict=True) for change in pair]
    view = read_link({"set": mixed})
    assert len(view.problems) == len(wrong)
    assert view.scenario == load_scenario("paper", [*right, "title=x"])


def test_wrong_parameter_of_a_policy_is_a_line_and_the_others_are_taken() -> None:
    view = read_link({"tune": ["aging.rate=-1", "aging.rate=0.5", "weighted"], "load": ["2"]})
    assert view.tuned == (AgingConfig(rate=0.5),)
    assert len(view.problems) == 2
    assert view.load == 2


def test_unknown_policies_are_one_line_and_the_others_are_compared() -> None:
    """One slip of the pen must not throw the whole comparison away."""
    view = read_link({"policies": ["fifo,urgnt,sjf,best"]})
    assert view.policies == ("fifo", "sjf")
    (problem,) = view.problems
    assert problem.startswith("policies must be among fifo")
    assert problem.endswith("got 'urgnt', 'best'")


def test_link_keeps_a_requests_number_and_refuses_one_beyond_all_runs() -> None:
    """No digit may be lost, and what no float can hold must not reach the page."""
    assert (read_link({"request": ["1234567"]}).link or {})["request"] == "1234567"
    view = read_link({"request": ["2" * 400], "load": ["2"]})
    assert (view.request, view.load) == (None, 2)
    assert len(view.problems) == 1
    assert view.problems[0].startswith("request must be")


def test_link_is_read_up_to_a_length_and_its_faults_told_up_to_a_number() -> None:
    """Neither the server nor the page may drown in what somebody sends."""
    view = read_link({"set": ["seed=9"] * 20_000})
    assert view.problems == ("a link must have at most 60,000 characters, got 180,000",)
    assert view == read_link({}).changed(problems=view.problems)
    faults = read_link({f"name{n}": ["x"] for n in range(500)}).problems
    assert len(faults) == 21
    assert faults[-1] == "and 480 more"


def test_thousands_of_changes_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link must not keep the server busy: the scenario is not parsed once a change."""
    parsed = []

    def counted(data: dict[str, object]) -> Scenario:
        parsed.append(data)
        return parse_scenario(data)

    monkeypatch.setattr(link, "parse_scenario", counted)
    view = read_link({"set": [f"seed={n}" for n in range(3000)] + ["engine.batch_size=0"]})
    assert view.scenario.seed == 2999
    assert len(view.problems) == 1
    assert len(parsed) == 2
    read_link({"set": [f"field{n}=1" for n in range(3000)]})
    assert len(parsed) < 30


def test_of_a_trace_nothing_is_said_to_differ_but_what_does() -> None:
    """Run's head and the preview said "drift 1 → 2" of recorded lengths, which stay."""
    recorded = load_scenario("paper").model_copy(
        update={"phases": (), "drift": (), "trace": TraceSource(file="t.csv")}
    )
    view = read_link({"drift": ["2"], "cv": ["3"], "load": ["1.5"]}).changed(scenario=recorded)
    assert view.what_if == ", load 1 → 1.5"
    assert view.effective.trace is not None
    assert view.effective.trace.time_scale == pytest.approx(1 / 1.5)
    assert (view.step, view.bursts) == (1, None)
    assert view.changed(step=3.0).step == 1
