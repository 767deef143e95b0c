"""The Scenario page, alone: edits reach the session's scenario, wrong ones never do."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from driftsched.core.errors import ScenarioError, TraceError
from driftsched.core.home import home, trace_folder, trace_path
from driftsched.experiments.load import offered_load
from driftsched.results.marks import run_marks
from driftsched.scenario import Scenario, from_yaml, load_scenario, parse_scenario, to_yaml
from driftsched.simulation import simulate
from driftsched.studio import traces
from driftsched.studio.scenario_editor.kept import keep, kept
from driftsched.studio.scenario_editor.names import follow, normalised
from driftsched.studio.scenario_editor.schema import first_values, kinds_in
from driftsched.studio.state import Key
from driftsched.studio.traces import check_browser_scenario, store_trace
from driftsched.traffic import LENGTHS
from driftsched.workload import generate
from tests.studio.editor_page import PAGE, at, key, opened, scenario, show
from tests.support.markdown import read
from tests.support.patience import STEP_S, tries

TRACE = b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,100,50\n"


@pytest.fixture
def page() -> AppTest:
    return opened()


def key_of(app: AppTest, name: str) -> str:
    """Key of a widget that is always there."""
    return f"scenario-{app.session_state['scenario_draft'].generation}-{name}"


def edit_tenants(app: AppTest, rows: dict[int, dict[str, Any]], **more: Any) -> None:
    state: dict[str, Any] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    app.session_state[key(app, "tenants")] = state | more
    app.run()
    assert not app.exception


def test_edited_weight_is_in_force(page: AppTest) -> None:
    """An edit that stays in the table would run another experiment than is shown."""
    edit_tenants(page, {0: {"weight": 7}})
    assert not page.error
    assert scenario(page).tenants[0].weight == 7
    assert scenario(page).tenants[1:] == load_scenario("paper").tenants[1:]


def test_what_is_typed_just_before_another_group_is_chosen_is_in_force(page: AppTest) -> None:
    """A server that is behind hears of both at once; it forgot the edit with the former group."""
    table = key(page, "tenants")
    page.session_state[Key.GROUP] = "YAML"
    page.session_state[table] = {
        "edited_rows": {0: {"weight": 7}},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()
    assert not page.exception
    assert scenario(page).tenants[0].weight == 7
    assert "weight: 7" in str(page.text_area(key="scenario-yaml").value)


def test_only_what_is_in_sight_is_drawn(page: AppTest) -> None:
    """While a browser draws two hundred fields anew, the table loses what is typed into it."""
    drawn = [
        each for kind in ("number_input", "selectbox", "toggle") for each in getattr(page, kind)
    ]
    assert len(drawn) < 15
    assert not [each for each in drawn if "categories" in str(each.key)]


def test_wrong_share_is_said_and_changes_nothing(page: AppTest) -> None:
    """The last valid scenario stays in force, and the typed share is still there to be mended."""
    edit_tenants(page, {0: {"share": 0.9}})
    rule = "shares must add up to 1, got 1.5666 (premium 0.9, standard 0.3333, batch 0.3333)"
    assert [read(error.value) for error in page.error] == [
        f"**Who:** tenants: {rule}. The last valid scenario stays in force until this is mended."
    ]
    assert scenario(page) == load_scenario("paper")
    assert page.session_state["scenario_draft"].data["tenants"][0]["share"] == 0.9
    at(page, "button", "tenants-add-up").click().run()
    assert not page.error
    assert sum(t.share for t in scenario(page).tenants) == pytest.approx(1)
    assert scenario(page).tenants[0].share == pytest.approx(0.9 / 1.5666, abs=1e-5)


def test_discard_goes_back_to_the_last_valid_scenario(page: AppTest) -> None:
    """Somebody who is lost needs a way back."""
    edit_tenants(page, {0: {"weight": -1}})
    assert "tenants[0].weight must be > 0, got -1" in read(page.error[0].value)
    page.button(key="scenario-discard").click().run()
    assert not page.error
    assert page.session_state["scenario_draft"].data["tenants"][0]["weight"] == 5


def test_renamed_category_is_renamed_in_the_mixes(page: AppTest) -> None:
    """Otherwise each renaming would end in an error about an unknown category."""
    at(page, "text_input", "categories.0.name").set_value("chat").run()
    assert not page.error
    assert scenario(page).category_names[0] == "chat"
    assert [phase.mix["chat"] for phase in scenario(page).phases] == [0.4, 0.1]


def test_removed_tenant_leaves_the_phases(page: AppTest) -> None:
    """A phase's own shares must not name a tenant that is gone."""
    page.selectbox(key=Key.PRESET).set_value("noisy-neighbour").run()
    edit_tenants(page, {}, deleted_rows=[2])
    at(page, "button", "tenants-add-up").click().run()
    assert not page.error
    assert scenario(page).phases[1].shares == pytest.approx({"search": 0.5, "chat": 0.5})


def test_shares_of_a_phase_are_kept_when_it_is_looked_at_and_edited(page: AppTest) -> None:
    """A look must not change what is run."""
    page.selectbox(key=Key.PRESET).set_value("noisy-neighbour").run()
    at(page, "selectbox", "phases-at").set_value(1).run()
    assert not page.error
    assert scenario(page) == load_scenario("noisy-neighbour")
    at(page, "toggle", "phases.1.shares.on").set_value(False).run()
    assert not page.error
    assert scenario(page).phases[1].shares is None


def test_another_length_distribution_starts_near_the_former_mean(page: AppTest) -> None:
    """A chooser that ends in an error about missing parameters is of no use."""
    at(page, "selectbox", "categories.0.output_tokens.kind").set_value("gamma").run()
    assert not page.error
    lengths: Any = scenario(page).categories[0].output_tokens
    former: Any = load_scenario("paper").categories[0].output_tokens
    assert lengths.kind == "gamma"
    assert lengths.mean == pytest.approx(former.mean, rel=0.01)


@pytest.mark.parametrize("kind", LENGTHS)
def test_each_registered_length_has_first_values(kind: str) -> None:
    """A new distribution shows up without touching the page, and so must be choosable."""
    model = LENGTHS[kind]
    assert kinds_in(model) == {kind: model}
    former = LENGTHS["constant"].model_validate({"tokens": 200})
    assert model.model_validate(first_values(model, former)).kind == kind


def test_phases_are_added_moved_and_removed(page: AppTest) -> None:
    """Order is part of the traffic."""
    at(page, "button", "phases-add").click().run()
    assert [phase.name for phase in scenario(page).phases] == ["learning", "stress", "phase"]
    at(page, "button", "phases-arrow_upward").click().run()
    assert [phase.name for phase in scenario(page).phases] == ["learning", "phase", "stress"]
    at(page, "button", "phases-delete").click().run()
    assert [phase.name for phase in scenario(page).phases] == ["learning", "stress"]


def test_yaml_is_applied(page: AppTest) -> None:
    """The text is the whole scenario: nothing of the former one may be left."""
    text = to_yaml(load_scenario("flash-crowd", ["seed=42"]))
    show(page, "YAML")
    page.text_area(key="scenario-yaml").set_value(text).run()
    assert scenario(page).seed == 1, "text alone must change nothing"
    page.button(key="yaml-apply").click().run()
    assert not page.error
    assert scenario(page) == from_yaml(text)


@pytest.mark.parametrize(
    ("find", "put", "message"),
    [
        ("seed: 1", "seed: -1", "seed must be >= 0, got -1"),
        ("seed: 1", "seed: [", "scenario is not YAML: line"),
        ("seed: 1", "sed: 1", "sed is not a field of a scenario"),
    ],
)
def test_wrong_yaml_is_said_and_kept(page: AppTest, find: str, put: str, message: str) -> None:
    """Half a page of typing must not be lost to a wrong sign."""
    text = to_yaml(scenario(page)).replace(find, put)
    show(page, "YAML")
    page.text_area(key="scenario-yaml").set_value(text).run()
    page.button(key="yaml-apply").click().run()
    assert message in read(page.error[0].value)
    assert page.text_area(key="scenario-yaml").value == text
    assert scenario(page) == load_scenario("paper")


def test_an_opened_file_is_shown_as_text_too(page: AppTest) -> None:
    """Text of the former scenario, applied, would undo the upload."""
    show(page, "YAML")
    text = to_yaml(load_scenario("flash-crowd", ["seed=43"]))
    page.file_uploader(key=key_of(page, "yaml-upload")).upload("own.yaml", text.encode()).run()
    assert not page.exception
    assert scenario(page) == from_yaml(text)
    assert page.text_area(key="scenario-yaml").value == text
    assert page.button(key="yaml-apply").disabled


def test_a_scenario_is_kept_by_name_and_opened(page: AppTest) -> None:
    """It is there for the next visitor, who cannot replace it; whoever kept it can."""
    for seed in (7, 8):
        page.number_input(key=Key.SEED).set_value(seed).run()
        page.text_input(key="scenario-keep-name").set_value("mine").run()
        page.button(key="scenario-keep").click().run()
        assert not page.error
    other = AppTest.from_file(PAGE, default_timeout=STEP_S).run()
    other.text_input(key="scenario-keep-name").set_value("mine").run()
    other.button(key="scenario-keep").click().run()
    assert "must not be taken" in read(other.error[0].value)
    other.selectbox(key=key_of(other, "kept")).set_value("mine").run()
    assert not other.exception
    assert scenario(other) == load_scenario("paper", ["seed=8"])
    with pytest.raises(ScenarioError, match="small letters"):
        keep(scenario(other), "../mine")
    with pytest.raises(ScenarioError, match="kept on this server"):
        kept("../mine")


def test_drift_after_the_end_of_traffic_is_told(page: AppTest) -> None:
    """It changes nothing, and a mark of it in the charts would tell otherwise."""
    late = load_scenario("paper", ["drift=[{kind: step, factor: 2, at_s: 300}]"])
    show(page, "YAML")
    page.text_area(key="scenario-yaml").set_value(to_yaml(late)).run()
    page.button(key="yaml-apply").click().run()
    said = " ".join(text.value for text in page.markdown)
    assert "lengths ×2 at 300 s changes nothing" in said
    assert "ends at 150 s" in said
    assert all("×2" not in label for _, label in run_marks(simulate(late)))


def test_preset_is_loaded_and_reset(page: AppTest) -> None:
    """Loading replaces all fields and the widgets show them; reset undoes edits."""
    page.selectbox(key=Key.PRESET).set_value("azure-conversation").run()
    assert scenario(page) == load_scenario("azure-conversation")
    assert at(page, "text_input", "name").value == "azure-conversation"
    edit_tenants(page, {0: {"weight": 9}})
    assert scenario(page).tenants[0].weight == 9
    page.button(key=Key.RESET).click().run()
    assert scenario(page) == load_scenario("azure-conversation")


def with_trace(file: str) -> Scenario:
    data = load_scenario("paper").model_dump(by_alias=True)
    return parse_scenario(data | {"phases": (), "trace": {"file": file}})


def test_files_of_the_server_cannot_be_named(page: AppTest, tmp_path: Path) -> None:
    """A scenario from a browser must not read what was not uploaded."""
    show(page, "YAML")
    page.text_area(key="scenario-yaml").set_value(to_yaml(with_trace("/etc/passwd"))).run()
    page.button(key="yaml-apply").click().run()
    assert "trace.file must be a file uploaded" in read(page.error[0].value)
    assert scenario(page) == load_scenario("paper")


def test_only_uploaded_files_pass_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither other paths, nor ways around the folder, nor links out of it."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path))
    stored = store_trace(TRACE)
    assert stored == f"{hashlib.sha256(TRACE).hexdigest()}.csv"
    assert check_browser_scenario(with_trace(stored)).trace is not None
    link = trace_folder() / f"{'0' * 64}.csv"
    link.symlink_to("/etc/passwd")
    for file in (
        "/etc/passwd",
        str(trace_folder() / stored),
        f"../traces/{stored}",
        f"{'a' * 64}.csv",
        link.name,
    ):
        with pytest.raises(ScenarioError, match=r"trace\.file must be a file uploaded"):
            check_browser_scenario(with_trace(file))


def computed(page: AppTest, shown: Callable[[], object]) -> None:
    """Run the page again until what a worker computes is there."""
    for _ in tries(STEP_S):
        assert not page.exception
        if shown():
            return
        page.run()
    raise AssertionError("a worker's result did not come")


def test_uploaded_trace_becomes_the_traffic(page: AppTest) -> None:
    """Upload, report with broken rows by line, traffic in force once the rule is to skip them."""
    at(page, "radio", "source").set_value("trace").run()
    assert not page.error, "what to do first is said, not that it was not done"
    broken = TRACE + b"yesterday,1,1\n2023-11-16 18:17:09,10,5\n"
    at(page, "file_uploader", "trace-upload").upload("t.csv", broken).run()
    computed(page, lambda: [box for box in page.warning if "Broken fields: 1." in box.value])
    assert not page.metric, "Run refuses the file"
    assert scenario(page) == load_scenario("paper"), "what cannot be run is not in force"
    report = next(frame.value for frame in page.dataframe if "Line" in frame.value)
    assert report["Line"].tolist() == [3]
    at(page, "selectbox", "trace.on_error").set_value("skip").run()
    assert not page.error
    computed(page, lambda: page.metric)
    assert page.metric[1].value == "2"
    trace = scenario(page).trace
    assert trace is not None
    assert trace.file == f"{hashlib.sha256(broken).hexdigest()}.csv", "no path of the server"
    assert trace_path(trace.file).read_bytes() == broken
    assert str(home()) not in str(page.query_params)
    assert len(generate(scenario(page))) == 2
    assert scenario(page).phases == ()


def test_columns_of_an_unknown_table_are_proposed_and_confirmed(page: AppTest) -> None:
    """A packed table of the user's own: the proposal is in force, and a correction replaces it."""
    at(page, "radio", "source").set_value("trace").run()
    rows = b"when_s;input_tokens;output_tokens;team\n0;5;6;a\n1.5;7;8;b\n"
    at(page, "file_uploader", "trace-upload").upload("own.gz", gzip.compress(rows)).run()
    computed(page, lambda: scenario(page).trace)
    assert [error.value for error in page.error] == []
    trace = scenario(page).trace
    assert trace is not None
    assert trace.file.endswith(".csv.gz")
    assert trace.format == "columns"
    assert trace.columns is not None
    assert (trace.columns.prompt_tokens, trace.columns.client) == ("input_tokens", "team")
    unit = key(page, f"trace.columns.{trace.file}.time_unit")
    page.selectbox(key=unit).set_value("ms").run()

    def corrected() -> bool:
        trace = scenario(page).trace
        return trace is not None and trace.columns is not None and trace.columns.time_unit == "ms"

    computed(page, corrected)


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        (b"-5,50", "got '-5'"),
        (b"", "at least 1 usable row, got 0"),
    ],
)
def test_a_file_without_a_usable_row_is_one_message_and_not_in_force(
    page: AppTest, rows: bytes, rule: str
) -> None:
    """It replaced the traffic, and the preview beside it said the same once more."""
    at(page, "radio", "source").set_value("trace").run()
    head = TRACE.splitlines()[0] + b"\n"
    data = head + (b"2023-11-16 18:17:03," + rows + b"\n" if rows else b"")
    at(page, "file_uploader", "trace-upload").upload("t.csv", data).run()
    computed(page, lambda: page.error)
    page.run()
    (said,) = (read(error.value) for error in page.error)
    assert rule in said
    assert scenario(page) == load_scenario("paper")
    at(page, "radio", "source").set_value("phases").run()
    assert not page.error


def test_trace_is_fitted_and_taken(page: AppTest) -> None:
    """From an upload to a scenario of processes: distances shown, traffic drawn from then on."""
    at(page, "radio", "source").set_value("trace").run()
    gaps = np.random.default_rng(1).exponential(0.5, 400)
    rows = "".join(
        f"{at:.6f},{'ab'[n % 2]},{50 + n % 97},{20 + n % 61}\n"
        for n, at in enumerate(np.cumsum(gaps))
    )
    data = ("req_time,client,prompt_len,output_len\n" + rows).encode()
    at(page, "file_uploader", "trace-upload").upload("t.csv", data).run()
    computed(page, lambda: [each for each in page.toggle if each.label.startswith("Fit")])
    at(page, "toggle", "trace-fit").set_value(True).run()
    computed(page, lambda: [frame for frame in page.dataframe if "ks" in frame.value])
    assert [error.value for error in page.error] == []
    table = next(frame.value for frame in page.dataframe if "ks" in frame.value)
    assert set(table["quantity"]) == {"gap", "prompt_tokens", "output_tokens"}
    at(page, "radio", "trace-fit-keep").set_value(False).run()
    taking = key(page, "trace-fit-take")
    computed(page, lambda: [button for button in page.button if button.key == taking])
    page.button(key=taking).click().run()
    assert not page.exception
    taken = scenario(page)
    assert taken.trace is None
    assert taken.tenant_names == ["a", "b"]
    assert taken.phases[0].rate_rps == pytest.approx(2, rel=0.1)


def test_packed_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small upload must not fill the server's memory."""
    monkeypatch.setattr(traces, "MAX_UNPACKED_MB", 1)
    bomb = gzip.compress(TRACE + b"2023-11-16 18:17:03,100,50\n" * 50_000)
    assert len(bomb) < 100_000
    with pytest.raises(TraceError, match="at most 1 MB unpacked, got 1 MB"):
        store_trace(bomb)


def test_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a megabyte packed held fifteen million rows, which took gigabytes."""
    monkeypatch.setattr(traces, "MAX_UPLOAD_ROWS", 1000)
    for end in (b"\n", b"\r\n", b"\r"):
        rows = TRACE.replace(b"\n", end) + (b"2023-11-16 18:17:03,100,50" + end) * 2000
        with pytest.raises(TraceError, match=r"at most 1000 rows, got 200\d"):
            store_trace(gzip.compress(rows))


# Streamlit puts None into the number columns of a new row that were left empty.
@pytest.mark.filterwarnings("ignore:Setting an item of incompatible dtype")
def test_own_gpu_is_entered_and_chosen(page: AppTest) -> None:
    """A user's own data sheet must set the pace once it is named, and say when it is broken."""
    sheet = {"tflops": 50, "bandwidth_gbs": 600, "memory_gb": 48, "tdp_w": 250, "idle_w": 20}
    table = key(page, "cluster.own_gpus")

    def enter(row: dict[str, Any]) -> None:
        page.session_state[table] = {"edited_rows": {}, "added_rows": [row], "deleted_rows": []}
        page.run()
        assert not page.exception

    enter({"name": "mine"} | sheet)
    gpu = at(page, "selectbox", "cluster.gpu")
    assert gpu.options[-1] == "mine"
    gpu.set_value("mine").run()
    assert scenario(page).cluster.find_gpu().memory_gb == 48
    assert any("Figures from: not stated" in caption.value for caption in page.caption)
    enter({"name": "mine"} | sheet | {"idle_w": 900})
    assert "idle_w must be <= tdp_w (250), got 900" in read(page.error[0].value)


def test_sums_and_names() -> None:
    """Shares add up to 1 exactly as the model wants; renames follow, removals close up."""
    assert sum(normalised({"a": 1, "b": 1, "c": 1}).values()) == pytest.approx(1, abs=1e-9)
    assert normalised({"a": 0, "b": None}) == {"a": 0.5, "b": 0.5}
    phases: list[dict[str, Any]] = [{"mix": {"a": 0.5, "b": 0.5}}, {"mix": None}]
    follow({"phases": phases}, "categories", ["a", "b"], ["x", "b"])
    assert phases[0]["mix"] == {"x": 0.5, "b": 0.5}
    follow({"phases": phases}, "categories", ["x", "b"], ["b"])
    assert phases[0]["mix"] == {"b": 1.0}


def test_what_will_happen_is_said(page: AppTest) -> None:
    """The paper's stress phase is far over capacity: the page must say so before anything runs."""
    said = " ".join(text.value for text in page.markdown)
    stress = offered_load(load_scenario("paper")).phases[-1]
    assert stress.rho > 10
    assert f"stress: ρ = {stress.rho:.2g}: the queue grows from 0 to 1,935 requests" in said
    assert "short\\_qa: 87 % of the answers are cut" in said
