"""The Scenario page edits every registered kind: choosing one gives a valid scenario at once."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.predictors import PREDICTORS
from driftsched.scenario import Scenario, load_scenario
from driftsched.scenario.events import EVENTS
from driftsched.scheduling.policies import POLICIES
from driftsched.scheduling.routers import ROUTERS
from driftsched.studio.scenario_editor.names import follow
from driftsched.studio.scenario_editor.sections import SECTIONS
from driftsched.studio.scenario_editor.words import label
from driftsched.traffic import ARRIVALS, DRIFTS, LENGTHS
from driftsched.traffic.durations import DURATIONS
from tests.studio.editor_page import at, opened, scenario, widget
from tests.support.markdown import read


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path))


@pytest.fixture
def page() -> AppTest:
    return opened()


def quiet(app: AppTest) -> AppTest:
    assert not app.exception
    assert [error.value for error in app.error] == []
    return app


def choose(app: AppTest, name: str, value: Any) -> None:
    at(app, "selectbox", name).set_value(value).run()
    assert not app.exception


def test_every_field_of_a_scenario_has_a_section() -> None:
    """A field that is in no tab could only be edited as text."""
    drawn = {field for _, fields, _ in SECTIONS.values() for field in fields}
    assert set(Scenario.model_fields) - drawn == {"schema_version"}


@pytest.mark.parametrize("kind", ARRIVALS)
def test_each_arrival_process_is_chosen_in_one_click(page: AppTest, kind: str) -> None:
    """A kind that begins in an error, or far from the former rate, is no use to who tries it."""
    choose(page, "phases.0.arrivals.kind", kind)
    quiet(page)
    arrivals: Any = scenario(page).phases[0].arrivals
    assert arrivals.kind == kind


@pytest.mark.parametrize("kind", LENGTHS)
def test_each_length_distribution_is_chosen_in_one_click(page: AppTest, kind: str) -> None:
    """Likewise, for answers and, where none was, for prompts."""
    choose(page, "categories.0.output_tokens.kind", kind)
    choose(page, "categories.0.prompt_tokens.kind", kind)
    quiet(page)
    category: Any = scenario(page).categories[0]
    assert (category.output_tokens.kind, category.prompt_tokens.kind) == (kind, kind)


@pytest.mark.parametrize("kind", DRIFTS)
def test_each_drift_event_is_added_and_removed(page: AppTest, kind: str) -> None:
    """Drift must be reachable without YAML, and leave nothing behind when it is taken away."""
    at(page, "button", "drift-add").click().run()
    choose(page, "drift.0.kind", kind)
    quiet(page)
    assert [event.kind for event in scenario(page).drift] == [kind]
    at(page, "button", "drift-delete").click().run()
    assert scenario(page) == load_scenario("paper")


@pytest.mark.parametrize("kind", EVENTS)
def test_each_event_of_the_cluster_is_added_and_removed(page: AppTest, kind: str) -> None:
    """A fault must be tried in two clicks, and leave nothing behind when it is taken away."""
    at(page, "button", "events-add").click().run()
    choose(page, "events.0.kind", kind)
    quiet(page)
    assert [event.kind for event in scenario(page).events] == [kind]
    at(page, "button", "events-delete").click().run()
    assert scenario(page) == load_scenario("paper")


@pytest.mark.parametrize("kind", EVENTS)
def test_each_event_is_edited_in_words_with_units(page: AppTest, kind: str) -> None:
    """A label such as "Add above" would not say what is counted, nor in which unit."""
    at(page, "button", "events-add").click().run()
    choose(page, "events.0.kind", kind)
    quiet(page)
    labels = {name: label(name) for name in EVENTS[kind].model_fields if name != "kind"}
    shown = {str(w.label) for each in ("number_input", "selectbox") for w in getattr(page, each)}
    assert set(labels.values()) <= shown
    for name, words in labels.items():
        assert words != name.replace("_", " ").capitalize() or "_" not in name
        assert not name.endswith("_s") or words.endswith("(s)")


def test_drift_keeps_its_beginning_when_its_kind_changes(page: AppTest) -> None:
    """Somebody who tries several kinds must not set the time again for each."""
    at(page, "button", "drift-add").click().run()
    at(page, "number_input", "drift.0.step.at_s").set_value(20.0).run()
    widget(page, "multiselect", "drift.0.step.tenants").set_value(["batch"]).run()
    choose(page, "drift.0.kind", "ramp")
    quiet(page)
    event = scenario(page).drift[0]
    assert (event.kind, event.at_s, event.tenants) == ("ramp", 20, ("batch",))


def test_wrong_drift_is_said_with_its_path_and_kept(page: AppTest) -> None:
    """One line with path, rule and value; the number typed stays to be mended."""
    at(page, "button", "drift-add").click().run()
    at(page, "number_input", "drift.0.step.factor").set_value(-2.0).run()
    assert "drift[0].factor must be > 0, got -2" in read(page.error[0].value)
    assert at(page, "number_input", "drift.0.step.factor").value == -2
    assert scenario(page).drift[0].model_dump()["factor"] == 1.5


def test_tenant_gets_arrivals_of_its_own(page: AppTest) -> None:
    """One bursty tenant beside calm ones is the question that most people bring."""
    widget(page, "multiselect", "phases.0.tenant_arrivals").set_value(["batch"]).run()
    choose(page, "phases.0.tenant_arrivals.batch.kind", "mmpp")
    quiet(page)
    own: Any = scenario(page).phases[0].tenant_arrivals
    assert {name: process.kind for name, process in own.items()} == {"batch": "mmpp"}


def test_parts_of_a_mixture_are_edited(page: AppTest) -> None:
    """Two humps are what real answer lengths have."""
    path = "categories.0.output_tokens"
    choose(page, f"{path}.kind", "mixture")
    at(page, "button", f"{path}.mixture.parts-add").click().run()
    at(page, "number_input", f"{path}.mixture.parts.2.weight").set_value(2.0).run()
    choose(page, f"{path}.mixture.parts.2.length.kind", "gamma")
    quiet(page)
    mixture: Any = scenario(page).categories[0].output_tokens
    assert [part.weight for part in mixture.parts] == [0.7, 0.3, 2]
    assert mixture.parts[2].length.kind == "gamma"


def test_pools_replace_the_number_of_replicas(page: AppTest) -> None:
    """A number typed before must neither be refused nor lost while pools count their own."""
    at(page, "number_input", "cluster.replicas").set_value(3).run()
    at(page, "button", "cluster.pools-add").click().run()
    quiet(page)
    choose(page, "cluster.pools.0.gpu", "H100")
    quiet(page)
    assert [machine.gpu for machine in scenario(page).cluster.machines] == ["H100"]
    at(page, "button", "cluster.pools-delete").click().run()
    assert scenario(page).cluster.replicas == 3


@pytest.mark.parametrize("kind", ROUTERS)
def test_each_router_is_chosen_in_one_click(page: AppTest, kind: str) -> None:
    """A router that cannot be chosen does not exist for most users."""
    choose(page, "cluster.router.kind", kind)
    quiet(page)
    assert scenario(page).cluster.router.kind == kind


@pytest.mark.parametrize("kind", POLICIES)
def test_each_policy_is_chosen_in_one_click_and_says_its_rule(page: AppTest, kind: str) -> None:
    """A new policy must be there from its registration alone, with its own words."""
    chooser = at(page, "selectbox", "policy.kind")
    assert POLICIES[kind].label in chooser.options
    assert f"- **{POLICIES[kind].label}**: {POLICIES[kind].rule}" in str(chooser.help)
    choose(page, "policy.kind", kind)
    quiet(page)
    assert scenario(page).policy.kind == kind
    assert (inspect.getdoc(POLICIES[kind]) or "?") in [info.value for info in page.info]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        *(("compensator", kind) for kind in COMPENSATORS),
        *(("predictor", kind) for kind in PREDICTORS),
    ],
)
def test_each_part_of_the_estimator_is_chosen_in_one_click(
    page: AppTest, part: str, kind: str
) -> None:
    """Likewise, and its parameters with it; what there is nothing to predict from says so."""
    choose(page, f"estimator.{part}.kind", kind)
    said = [error.value.split(":")[0] for error in page.error]
    lacking = ["estimator.predictor must not be column where traffic has no predictions"]
    assert said == (lacking if kind == "column" else [])
    assert getattr(scenario(page).estimator, part).kind == kind


@pytest.mark.parametrize("kind", DURATIONS)
def test_patience_and_retries_of_a_tenant(page: AppTest, kind: str) -> None:
    """Clients' behaviour belongs to a tenant, and must reach that one alone."""
    choose(page, "clients-of", 1)
    choose(page, "tenants.1.patience.abandonment.kind", kind)
    at(page, "number_input", "tenants.1.retries.attempts").set_value(3).run()
    widget(page, "multiselect", "tenants.1.retries.after").set_value(["failed"]).run()
    quiet(page)
    first, second = scenario(page).tenants[:2]
    assert first == load_scenario("paper").tenants[0]
    assert second.patience.abandonment is not None
    assert second.patience.abandonment.kind == kind
    assert (second.retries.attempts, second.retries.after) == (3, ("failed",))


def test_settings_of_continuous_batching_wait_while_a_gang_is_chosen(page: AppTest) -> None:
    """To switch the mode and back must be free, whatever was set in between."""
    choose(page, "engine.mode", "continuous")
    quiet(page)
    typed = dict(page.session_state["scenario_draft"].data["engine"])
    choose(page, "engine.mode", "gang")
    quiet(page)
    choose(page, "engine.mode", "continuous")
    assert page.session_state["scenario_draft"].data["engine"] == typed


def test_names_are_followed_in_events() -> None:
    """A renamed tenant with drift of its own must not end in an error about an unknown name."""
    events: list[dict[str, Any]] = [{"tenants": ["a"], "phase": "calm"}, {"tenants": ["b"]}]
    phases: list[dict[str, Any]] = [{"tenant_arrivals": {"a": {"kind": "poisson"}}}]
    data = {"drift": events, "phases": phases}
    follow(data, "tenants", ["a", "b"], ["x", "b"])
    assert phases == [{"tenant_arrivals": {"x": {"kind": "poisson"}}}]
    follow(data, "tenants", ["x", "b"], ["x"])
    follow(data, "phases", ["calm"], [])
    assert events == [{"tenants": ["x"], "phase": None}, {"tenants": []}]
