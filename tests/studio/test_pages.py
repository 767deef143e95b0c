"""Every page through app.py and alone: it has a frame, a result, and controls that matter."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from driftsched.charts.labels import policy_label
from driftsched.experiments import Ensemble
from driftsched.experiments.papers import DRIFTSCHED, PAPERS
from driftsched.results import metrics_table
from driftsched.results.wording import duration
from driftsched.scenario import load_scenario, parse_scenario
from driftsched.scheduling.policies import PAPER_POLICIES
from driftsched.serving.measurements import published
from driftsched.simulation import simulate
from driftsched.simulation.compiled import warm_up
from driftsched.studio.link import DEFAULT_PRESET, scenario_params
from driftsched.studio.state import Key
from driftsched.studio.traces import store_trace
from driftsched.studio.view import EVERYBODY, read_link
from driftsched.studio.waiting import kept_result
from tests.support.markdown import read
from tests.support.patience import STEP_S, tries

ROOT = Path(__file__).resolve().parents[2]
RESULTS: dict[str, Callable[[AppTest], bool]] = {
    "explore": lambda app: bool(app.metric) and bool(app.caption),
    "paper": lambda app: len(app.expander) >= 7,
    "drift_lab": lambda app: any("predictor" in m.value for m in app.markdown),
    "sweep": lambda app: bool(app.dataframe),
    "run": lambda app: len(app.metric) == 6 and len(app.code) == 1,
}

NO_PICTURE = "closed-loop"
"""Explore says of it in one message that it cannot be compared, so it is passed at once."""


def settled(app: AppTest, done: Callable[[AppTest], bool]) -> AppTest:
    for _ in tries():
        app.run()
        assert not app.exception, app.exception[0].value
        if done(app):
            return app
    pytest.fail(f"no result; the page says {[e.value for e in app.error]}")


def through_app(page: str, **params: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=STEP_S)
    if page != "explore":
        app.query_params["preset"] = NO_PICTURE
        app.run()
        app.query_params.clear()
        del app.session_state["view"]  # the link is read again, as after the back button
        app.switch_page(f"pages/{page}.py")
    app.query_params.update(params)
    return settled(app, RESULTS[page])


def alone(page: str, **params: str) -> AppTest:
    app = AppTest.from_file(ROOT / "pages" / f"{page}.py", default_timeout=STEP_S)
    app.query_params.update(params)
    return settled(app, RESULTS[page])


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The fast engine is there, as it is half a minute after a server's first start."""
    warm_up()


@pytest.fixture(scope="module")
def explore() -> AppTest:
    return through_app("explore")


def test_a_session_keeps_names_of_results_and_no_results(explore: AppTest) -> None:
    """Fifty sessions would else hold fifty ensembles beside the room that all share."""
    held = [*explore.session_state._state.filtered_state.values()]
    assert not any(isinstance(value, Ensemble) for value in held)
    assert any(isinstance(kept_result(str(value)), Ensemble) for value in held)


def metric(app: AppTest, label: str) -> str:
    return next(m.value for m in app.metric if m.label.startswith(label))


@pytest.mark.parametrize("page", RESULTS)
@pytest.mark.parametrize("way", [through_app, alone])
def test_page_has_heading_frame_and_result(page: str, way: Callable[[str], AppTest]) -> None:
    app = way(page)
    assert app.title[0].value == page.replace("_", " ").capitalize()
    assert not app.error
    assert not app.warning
    chooser = [box for box in app.sidebar.selectbox if box.key == Key.PRESET]
    assert len(chooser) == (0 if page == "paper" else 1)
    assert not app.sidebar.caption


def test_explore_opens_on_an_answer_and_a_finished_picture_under_the_papers_policies(
    explore: AppTest,
) -> None:
    table = explore.dataframe[0].value
    assert list(table["Policy"]) == [policy_label(name) for name in PAPER_POLICIES]
    assert [m.label.split(",")[0] for m in explore.metric] == list(table["Policy"])
    assert any("protects premium" in said.value for said in explore.markdown)
    assert explore.sidebar.selectbox(key=Key.PRESET).value == DEFAULT_PRESET
    assert not explore.query_params


def test_every_control_explains_itself(explore: AppTest) -> None:
    controls = [
        *explore.selectbox,
        *explore.slider,
        *explore.select_slider,
        *explore.number_input,
        *explore.text_input,
        *explore.button_group,
        *explore.multiselect,
    ]
    assert len(controls) >= 10
    # beside this one's choices stand their questions, under "What if…"
    assert [c.label for c in controls if not c.help] == ["Preset"]


CONTROLS: dict[str, Callable[[AppTest], object]] = {
    "load": lambda app: app.slider(key=Key.LOAD).set_value(0.5),
    "seed": lambda app: app.number_input(key=Key.SEED).set_value(7),
    "batching": lambda app: app.selectbox(key=Key.ENGINE_MODE).set_value("continuous"),
    "lengths": lambda app: app.selectbox(key=Key.LENGTHS).set_value("capped"),
    "unit": lambda app: app.selectbox(key=Key.UNIT).set_value("tokens"),
    "correction": lambda app: app.selectbox(key=Key.COMPENSATOR).set_value("none"),
    "prediction": lambda app: app.selectbox(key=Key.PREDICTOR).set_value("noisy_oracle"),
    "classifier": lambda app: app.selectbox(key=Key.CLASSIFIER).set_value("oracle"),
    "bursts": lambda app: app.select_slider(key=Key.BURSTS).set_value(4.0),
    "drift": lambda app: app.select_slider(key=Key.STEP).set_value(0.5),
    "tenant": lambda app: app.selectbox(key=Key.TENANT).set_value("batch"),
    "measure": lambda app: app.selectbox(key=Key.METRIC).set_value("ttft_s"),
    "batch size": lambda app: app.select_slider(key=Key.BATCH_SIZE).set_value(8),
    "replicas": lambda app: app.select_slider(key=Key.REPLICAS).set_value(2),
    "replications": lambda app: app.slider(key=Key.REPLICATIONS).set_value(4),
    "share": lambda app: app.slider(key="share-premium").set_value(60.0),
    "policy parameter": lambda app: app.select_slider(key="tune-aging-rate").set_value(0.1),
}


@pytest.mark.parametrize("tab", ["Latency", "Tenants"])
def test_every_figure_has_its_interval(tab: str) -> None:
    """A number without its interval cannot be told from chance."""
    app = through_app("explore", tab=tab, preset="paper")
    names = ["Policy", "policy", "tenant"]
    (table,) = app.dataframe
    shown = table.value.drop(columns=names, errors="ignore")
    varying = [c for c in shown if shown[c].nunique() > 2]
    assert varying
    assert all("(" in text or text in ("0", "0 %") for c in varying for text in shown[c])
    assert all("–" in m.label for m in app.metric)


def test_bands_say_what_they_are(explore: AppTest) -> None:
    """A band could be a range of requests, of replications or an interval: it must be named."""
    queues = through_app("explore", tab="Queues")
    captions = [caption.value for page in (explore, queues) for caption in page.caption]
    assert any("band is the 95 % interval of the share of requests" in c for c in captions)
    assert any("band the 95 % interval at each time" in c for c in captions)


def test_verdicts_are_paired_against_the_first_policy() -> None:
    p50, p99, at_first = (
        {m.label.split(",")[0]: m.delta for m in through_app("explore", **link).metric}
        for link in ({"preset": "paper"}, {"preset": "paper", "level": "P99"}, {})
    )
    assert p50["FIFO"] == p99["FIFO"] == "–"
    assert re.fullmatch(r"3\d–\d+ % faster", p50["SJF"])
    assert re.fullmatch(r"1\d–\d+ % faster", p99["SJF"])
    assert "no difference" in at_first.values()


def test_warm_up_is_said_and_can_be_left_out() -> None:
    app = through_app("explore", preset="paper-continuous", load="0.1", set="seed=3")
    assert any("MSER-5" in c.value or "steady state" in c.value for c in app.caption)
    app.toggle(key=Key.CUT).set_value(True)
    settled(app, RESULTS["explore"])
    assert app.query_params["cut"] in ("yes", ["yes"])


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("cv", "99", "cv must be <= 8, got '99'"),
        ("drift", "x", "drift must be a number, got 'x'"),
        ("replications", "2.5", "replications must be a whole number, got '2.5'"),
        ("replications", "1000", "replications must be <= 40, got '1000'"),
        ("cut", "maybe", "cut must be one of yes, no, got 'maybe'"),
        ("tune", "aging.rat=1", "tune must be policy.parameter=value, got 'aging.rat=1'"),
        ("tune", "aging.rate=-1", "tune aging.rate must be >= 0, got -1"),
    ],
)
def test_wrong_knob_in_a_link_is_one_message(name: str, value: str, rule: str) -> None:
    """A page shows the problems of its view: `test_unknown_names_and_values_of_a_link`."""
    (problem,) = read_link({name: [value]}).problems
    assert rule in problem


@pytest.mark.parametrize("change", CONTROLS.values(), ids=CONTROLS)
def test_control_changes_the_result_and_the_link(change: Callable[[AppTest], object]) -> None:
    app = through_app("explore", preset="paper")
    before = app.dataframe[0].value
    change(app)
    settled(app, RESULTS["explore"])
    assert not app.dataframe[0].value.equals(before)
    shared = shared_by(app)
    assert shared
    assert read_link(shared).changed(problems=()) == app.session_state["view"]


def test_link_of_all_controls_leads_to_the_same_result() -> None:
    app = through_app("explore")
    for change in CONTROLS.values():
        change(app)
    settled(app, RESULTS["explore"])
    shared = shared_by(app)
    other = AppTest.from_file(ROOT / "app.py", default_timeout=STEP_S)
    for name, values in shared.items():
        other.query_params[name] = values
    settled(other, RESULTS["explore"])
    assert not other.warning
    assert other.dataframe[0].value.equals(app.dataframe[0].value)


def shared_by(app: AppTest) -> dict[str, list[str]]:
    shared = {name: app.query_params[name] for name in app.query_params}
    return {name: [each] if isinstance(each, str) else each for name, each in shared.items()}


def test_fewer_policies_are_compared() -> None:
    app = through_app("explore", policies="fifo,aging")
    assert list(app.dataframe[0].value["Policy"]) == ["FIFO", "Aging"]
    assert [m.label.split(",")[0] for m in app.metric] == ["FIFO", "Aging"]


def test_a_figure_of_the_estimates_does_not_depend_on_who_is_compared_with() -> None:
    """The error of all policies together changed when one of them was deselected."""
    both = through_app("explore", preset="paper", tab="Drift", policies="fifo,sjf")
    alone = through_app("explore", preset="paper", tab="Drift", policies="fifo")
    said = [[m.value for m in app.markdown if "Length error" in m.value] for app in (both, alone)]
    assert said[0] == said[1] != []


def test_a_pinned_state_is_beside_every_figure_and_says_what_differs() -> None:
    app = through_app("explore")
    app.button(key=Key.PIN).click()
    settled(app, RESULTS["explore"])
    app.slider(key=Key.LOAD).set_value(1.5)
    settled(app, RESULTS["explore"])
    assert any("Baseline → now: load 1 → 1.5" in c.value for c in app.caption)
    assert all("slower" in m.delta or "times as long" in m.delta for m in app.metric)
    before = read_link(shared_by(app)).before
    assert before == read_link({"preset": [DEFAULT_PRESET]}).changed(pin="")
    app.button(key=Key.PIN).click()
    settled(app, RESULTS["explore"])
    assert app.metric[0].delta == "–"


def test_drift_says_from_when_and_when_it_is_learnt() -> None:
    app = through_app("explore", tab="Drift", drift="2", drift_at="150", preset=DEFAULT_PRESET)
    said = next(m.value for m in app.markdown if "back within 10" in m.value)
    assert "requests (" in said
    assert app.number_input(key=Key.STEP_AT).value == 150
    late = through_app("explore", tab="Drift", drift="2", drift_at="5000")
    assert any("begins after the last request" in m.value for m in late.markdown)


def test_backlog_is_said_where_more_load_may_lower_a_median(explore: AppTest) -> None:
    assert any("is a backlog" in c.value for c in through_app("explore", preset="paper").caption)
    assert not any("is a backlog" in c.value for c in explore.caption)


def test_the_sweep_of_a_large_trace_takes_its_place() -> None:
    """As many rows as Azure's conversations; a refusal once stood where its curves belong."""
    rng = np.random.default_rng(1)
    count = 19_366
    ticks, prompts, answers = (rng.integers(1, most, count) for most in (180_000_000, 1500, 200))
    rows = "".join(
        f"{tick * 1e-5:.5f},a,{prompt},{answer}\n"
        for tick, prompt, answer in zip(np.sort(ticks), prompts, answers, strict=True)
    )
    file = store_trace(f"req_time,client,prompt_len,output_len\n{rows}".encode())
    data = load_scenario("paper-continuous").model_dump(by_alias=True)
    scenario = parse_scenario(data | {"phases": (), "drift": (), "trace": {"file": file}})
    params = scenario_params(scenario, DEFAULT_PRESET) or {}

    def drawn(app: AppTest) -> bool:
        assert not [*app.error, *app.warning]
        return any("as it is set now asks for" in caption.value for caption in app.caption)

    app = AppTest.from_file(ROOT / "pages" / "explore.py", default_timeout=STEP_S)
    app.query_params.update(params | {"tab": "Load", "policies": "fifo,sjf"})
    settled(app, drawn)
    assert app.metric
    assert not [said.value for said in app.caption if "too big" in said.value]
    assert any("19 366 requests" in said.value for said in app.caption)


def test_no_policy_is_one_clear_message() -> None:
    app = through_app("explore")
    app.button_group(key=Key.POLICIES).set_value([]).run()
    assert [info.value for info in app.info] == ["Choose at least one policy to compare."]
    assert not app.metric
    assert not app.exception


def test_other_preset_is_run() -> None:
    app = through_app("explore")
    app.sidebar.selectbox(key=Key.PRESET).set_value("paper-continuous")
    settled(app, RESULTS["explore"])
    assert app.query_params["preset"] in ("paper-continuous", ["paper-continuous"])
    assert app.selectbox(key=Key.ENGINE_MODE).value == "continuous"


def test_back_to_the_preset_undoes_every_change() -> None:
    app = through_app("explore", load="0.5", set="seed=5", preset=DEFAULT_PRESET)
    app.sidebar.button(key=Key.RESET).click()
    settled(app, RESULTS["explore"])
    assert app.slider(key=Key.LOAD).value == 1
    assert app.number_input(key=Key.SEED).value == 1
    assert not app.query_params


@pytest.mark.parametrize(
    ("text", "columns"),
    [("50", ["P50"]), ("99.9 p10, 50", ["P10", "P50", "P99.9"])],
)
def test_user_names_percentiles(explore: AppTest, text: str, columns: list[str]) -> None:
    explore.text_input(key=Key.PERCENTILES).set_value(text)
    settled(explore, RESULTS["explore"])
    assert list(explore.dataframe[0].value)[1:] == columns


def test_wrong_percentile_is_one_message() -> None:
    app = through_app("explore")
    app.text_input(key=Key.PERCENTILES).set_value("50, 120").run()
    assert [w.value for w in app.warning] == [
        "A percentile must be a number between 0 and 100, got '120'."
    ]


@pytest.mark.parametrize("page", RESULTS)
def test_wrong_link_is_one_message_and_the_default(page: str) -> None:
    app = through_app(page, preset="no-such")
    assert len(app.warning) == 1
    assert "preset must be one of paper" in read(app.warning[0].value)


@pytest.mark.parametrize("page", RESULTS)
def test_unknown_names_and_values_of_a_link_are_one_notice(page: str) -> None:
    app = through_app(page, world="Mars", lod="2", load="0.5")
    assert len(app.warning) == 1
    assert "world must be one of Simulated, Live, got 'Mars'" in read(app.warning[0].value)
    assert "a link's name must be a known one, such as load, got lod='2'" in read(
        app.warning[0].value
    )
    assert app.query_params["load"] in ("0.5", ["0.5"])


def test_repetitions_of_the_paper_are_in_its_link() -> None:
    app = alone("paper", paper_seeds="5")
    assert app.select_slider(key=Key.PAPER_SEEDS).value == 5
    assert any("over 5 replications" in text.value for text in app.markdown)


def test_scenario_that_cannot_run_is_one_message() -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=STEP_S)
    app.query_params["set"] = "cluster.memory_utilisation=0.01"
    settled(app, lambda app: bool(app.error))
    assert len(app.error) == 1
    assert "\n" not in read(app.error[0].value)
    assert not app.metric


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("closed-loop", "phases[0] must have open arrivals"),
        ("replica-outage", "tenants[2].retries.attempts must be 1"),
    ],
)
def test_scenario_whose_requests_depend_on_the_policy_is_one_message(name: str, rule: str) -> None:
    """Compared row by row, answers would be laid to requests that they do not belong to."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=STEP_S)
    app.query_params["preset"] = name
    app.run()
    assert [read(error.value).count(rule) for error in app.error] == [1]
    assert "Run shows how one policy serves it." in read(app.error[0].value)
    assert not app.exception
    assert not app.metric


def test_run_follows_the_sidebar() -> None:
    app = through_app("run", preset="paper")
    before = metric(app, "Median latency")
    app.sidebar.selectbox(key=Key.POLICY).set_value("sjf")
    settled(app, RESULTS["run"])
    assert metric(app, "Median latency") != before
    assert app.code[0].value == "python -m driftsched run paper --set policy.kind=sjf"


def test_every_figure_of_a_run_has_its_interval_over_seeds() -> None:
    """One run is one throw of the dice; a figure without its spread is believed too much."""
    app = through_app("run", preset="paper")
    settled(app, lambda app: all(m.delta for m in app.metric))
    latency = next(m for m in app.metric if m.label == "P99 latency")
    whose, _, interval = latency.delta.partition(": ")
    assert whose == "10 replications", "this run is one of them, and may lie outside"
    low, high = (float(end.split()[0]) for end in interval.split(" – "))
    assert low < float(latency.value.split()[0]) * 1.05
    assert 0 < high - low < 0.1 * high
    said = next(c.value for c in app.caption if "95 % interval" in c.value)
    assert "over 10 replications, seeds 1 to 10" in said
    assert "MSER-5" in said


def test_a_tenant_in_focus_drives_the_figures_of_a_run() -> None:
    """Everybody's median says nothing of those whom one asks about."""
    app = through_app("run", preset="noisy-neighbour")
    assert app.selectbox(key=Key.TENANT).value == EVERYBODY
    app.selectbox(key=Key.TENANT).set_value("crawler")
    settled(app, lambda app: all(m.delta for m in app.metric))
    assert app.query_params["tenant"] in ("crawler", ["crawler"])
    table = metrics_table(simulate(load_scenario("noisy-neighbour")))
    all_of_them, mine = table.iloc[0], table[table["name"] == "crawler"].iloc[0]
    said = metric(app, "Median latency")
    assert said == duration(mine["p50_e2el_ms"] / 1e3)
    assert said != duration(all_of_them["p50_e2el_ms"] / 1e3)
    assert metric(app, "Throughput") == f"{mine['request_throughput']:.2f} /s"
    latency = next(m for m in app.metric if m.label == "Median latency")
    low, high = (float(end.split()[0]) for end in latency.delta.split(": ")[1].split(" – "))
    assert low < float(said.split()[0]) * 1.05
    assert 0 < high - low < high
    assert not any(m.label.startswith("Energy") for m in app.metric), "a GPU's, no tenant's"


def test_paper_switch_changes_the_claims() -> None:
    app = through_app("paper")
    before = [e.label for e in app.expander]
    assert sum("published" in label for label in before) == 7, "a line a claim"
    app.button_group(key=Key.PAPER_UNIT).set_value("tokens")
    settled(app, RESULTS["paper"])
    assert [e.label for e in app.expander] != before


def shows_command(words: str, app: AppTest) -> bool:
    return bool(app.code) and words in app.code[0].value


def test_each_paper_is_a_click_away_with_its_claims_and_command() -> None:
    """The page is DriftSched's as it was, until another is chosen."""
    app = through_app("paper")
    assert app.button_group(key=Key.PAPER).value == DRIFTSCHED
    for name in ("vtc", "asr-drift"):
        app.button_group(key=Key.PAPER).set_value(name)
        settled(app, partial(shows_command, f"paper {name} --"))
        assert app.query_params["paper"] in (PAPERS[name].title, [PAPERS[name].title])
        assert sum("published" in line.label for line in app.expander) >= 4
        assert not [group for group in app.button_group if group.key == Key.PAPER_UNIT]
        assert PAPERS[name].question in [caption.value for caption in app.caption]


def test_paper_shows_its_claims_under_other_assumptions_on_demand() -> None:
    app = through_app("paper")
    assert not any("What moves each" in m.value for m in app.markdown)
    app.toggle(key=Key.PAPER_ASSUMPTIONS).set_value(True)
    settled(app, lambda app: any("What moves each" in m.value for m in app.markdown))
    assert app.code[0].value.endswith("--assumptions"), "the command is that of what is shown"


def test_run_sets_its_gpus_beside_what_was_measured() -> None:
    """A model of hardware without its error is believed too far."""
    app = through_app("run", preset="azure-conversation")
    (found,) = [e for e in app.expander if e.label == "GPUs: modelled and measured"]
    rows = [row for row in published() if row.set_up == ("A100-80", "llama-3-8b", 1)]
    table = found.dataframe[0].value
    assert list(table["error"]) == [f"{100 * row.error():+.0f} %" for row in rows]
    most = max(abs(row.error()) for row in rows)
    assert f"by {100 * most:.0f} % at most" in found.markdown[0].value
    unknown = through_app("run", preset="busy-gpu")
    (found,) = [e for e in unknown.expander if e.label == "GPUs: modelled and measured"]
    assert "nobody has published any" in found.markdown[0].value
