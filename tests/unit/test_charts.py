"""Every chart carries units, stays small, and is calm where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import pytest

from driftsched import charts
from driftsched.charts.theme import look_at
from driftsched.results import RunResult
from driftsched.scenario import load_scenario
from tests.unit.chart_tables import (
    arrivals_table,
    capacity_table,
    cdf_table,
    changes_table,
    claims_table,
    course_table,
    curves_table,
    errors_table,
    every_policy,
    fairness_table,
    fit_table,
    gpu_counts_table,
    gpus_table,
    importance_table,
    joules_table,
    lab_course_table,
    lab_figures_table,
    learning_table,
    memory_table,
    percentiles_table,
    queues_table,
    requests_table,
    residuals_table,
    sensitivities_table,
    sweep_table,
    swept_table,
    worth_table,
)


def by_policy(chart: Callable[..., go.Figure]) -> Callable[[pd.DataFrame], go.Figure]:
    return lambda frame: chart(every_policy(frame))


def of_runs(chart: Callable[..., go.Figure]) -> Callable[[pd.DataFrame], go.Figure]:
    """A chart of two runs of one policy that have the same table; the other tables are empty."""

    def drawn(frame: pd.DataFrame) -> go.Figure:
        if "queue_wait_s" in frame:
            begun = frame["arrival_s"] + frame["queue_wait_s"]
            frame = frame.assign(dispatch_s=begun, first_token_s=begun)
        run = RunResult(SCENARIO, frame, frame, frame, frame)
        return chart({"by day": run, "by night": run})

    return drawn


SCENARIO = load_scenario("paper")
CHARTS: dict[str, tuple[Callable[..., go.Figure], Callable[..., pd.DataFrame], list[str]]] = {
    "latency_cdf": (by_policy(charts.latency_cdf), requests_table, ["(s)", "(%)"]),
    "runs_cdf": (by_policy(charts.runs_cdf), requests_table, ["(s)", "(%)"]),
    "queue_depth": (charts.queue_depth, queues_table, ["(s)", "requests"]),
    "drift": (charts.drift, requests_table, ["(s)", "(ratio)"]),
    "bias": (charts.bias, learning_table, ["(s)", "(factor)"]),
    "confusion": (charts.confusion, requests_table, ["Estimated size", "Actual size"]),
    "estimation_error": (
        charts.estimation_error,
        errors_table,
        ["Compensator", "(tokens)"],
    ),
    "tenants": (by_policy(charts.tenants), requests_table, ["Tenant", "(s)"]),
    "fairness": (
        lambda frame: charts.fairness(frame, {"fifo": "9 k", "sjf": "12 ±1 k"}),
        fairness_table,
        ["Policy", "1 = its due"],
    ),
    "energy": (charts.energy, joules_table, ["(s)", "(kJ)"]),
    "gpu": (charts.gpu, gpus_table, ["(s)", "(requests)"]),
    "arrivals": (charts.arrivals, arrivals_table, ["(s)", "(requests/s)"]),
    "lengths": (charts.lengths, requests_table, ["(tokens)", "(%)"]),
    "memory": (charts.memory, memory_table, ["(GB)", "GPU"]),
    "claims": (charts.claims, claims_table, ["(%)", ""]),
    "sensitivities": (charts.sensitivities, sensitivities_table, ["(%)", ""]),
    "calibration": (charts.calibration, residuals_table, ["(ms)", "(ms)"]),
    "fit": (charts.fit, fit_table, ["(tokens)", "(%)"]),
    "twin": (lambda frame: charts.twin(frame, frame), requests_table, ["(s)", "(%)"]),
    "twin_policies": (
        lambda frame: charts.twin_policies(frame, every_policy(frame)),
        requests_table,
        ["(s)", "(%)"],
    ),
    "queue_bands": (charts.queue_bands, course_table, ["(s)", "requests"]),
    "drift_bands": (charts.drift_bands, course_table, ["(s)", "(ratio)"]),
    "bias_bands": (charts.bias_bands, course_table, ["(s)", "(factor)"]),
    "tenant_percentile": (
        lambda frame: charts.tenant_percentile(frame.assign(group="premium"), 50),
        percentiles_table,
        ["Tenant", "(s)"],
    ),
    "load_sweep": (
        lambda frame: charts.load_sweep(frame, 95, now=0.5),
        sweep_table,
        ["capacity", "(s)"],
    ),
    "latency_bands": (charts.latency_bands, cdf_table, ["(s)", "(%)"]),
    "lab_course": (charts.lab_course, lab_course_table, ["Request", "(ratio)"]),
    "lab_figures": (charts.lab_figures, lab_figures_table, ["", "(requests)"]),
    "capacity": (charts.capacity, capacity_table, ["(ratio)", ""]),
    "gpus_needed": (charts.gpus_needed, gpu_counts_table, ["GPUs", ""]),
    "runs_latency": (of_runs(charts.runs_latency), requests_table, ["(s)", "(%)"]),
    "runs_tenants": (of_runs(charts.runs_tenants), requests_table, ["Tenant", "(s)"]),
    "runs_queues": (of_runs(charts.runs_queues), queues_table, ["(s)", "requests"]),
    "runs_drift": (of_runs(charts.runs_drift), requests_table, ["(s)", "(ratio)"]),
    "runs_fairness": (of_runs(charts.runs_fairness), requests_table, ["Policy", "1 = its due"]),
    "changes": (
        lambda frame: charts.changes(frame, "p99_e2el_ms", "P99 latency", {"sjf": "#0072B2"}),
        changes_table,
        ["(%)", "Requests"],
    ),
    "worth": (charts.worth, worth_table, ["Kendall", "(%)"]),
    "sweep_lines": (
        lambda frame: charts.sweep_lines(frame, "load", "P95 latency (s)"),
        swept_table,
        ["load", "(s)"],
    ),
    "sweep_heat": (
        lambda frame: charts.sweep_heat(frame, "load", "tenants.0.weight", "P95 latency (s)"),
        swept_table,
        ["load", "weight"],
    ),
    "sweep_parallel": (
        lambda frame: charts.sweep_parallel(
            frame.reindex(columns=["policy", "x", "y", "value"]).rename(
                columns={"value": "P95 latency (s)"}
            )
        ),
        swept_table,
        ["", ""],
    ),
    "sweep_front": (
        lambda frame: charts.sweep_front(frame, "Cost", "P95 latency (s)"),
        swept_table,
        ["Cost", "(s)"],
    ),
    "sweep_importance": (
        lambda frame: charts.sweep_importance(frame, "P95 latency (s)"),
        importance_table,
        ["(%)", ""],
    ),
    "twin_queues": (charts.twin_queues, curves_table, ["(s)", "requests"]),
}


def test_every_chart_is_in_the_list_above() -> None:
    """Charts that are public go through these checks; the others are what charts are made of."""
    public = {name for name in charts.__all__ if callable(getattr(charts, name))}
    assert public == set(CHARTS) | {*("bands", "held", "main_figures", "run_colours", "with_ghost")}


@pytest.mark.parametrize("name", CHARTS)
def test_charts_say_what_to_look_at(name: str) -> None:
    chart, table, _ = CHARTS[name]
    for figure in (chart(table()), chart(table().iloc[:0])):
        sentence = look_at(figure)
        assert sentence.endswith(".")
        assert ". " not in sentence, "one sentence"


@pytest.mark.parametrize("name", CHARTS)
def test_plotly_knows_all_that_a_figure_says(name: str) -> None:
    """Figures are made unchecked, since a page has no time for it."""
    chart, table, _ = CHARTS[name]
    for figure in (chart(table()), chart(table().iloc[:0])):
        go.Figure(figure.to_plotly_json())  # raises where it does not


@pytest.mark.parametrize("name", CHARTS)
def test_axes_carry_units_and_the_figure_a_file_name(name: str) -> None:
    chart, table, (x, y) = CHARTS[name]
    figure = chart(table())
    x_titles = [axis.title.text or "" for axis in figure.select_xaxes()]
    y_titles = [axis.title.text or "" for axis in figure.select_yaxes()]
    assert any(x in title for title in x_titles)
    assert any(y in title for title in y_titles)
    assert figure.data
    assert figure.layout.title.text
    assert " " not in figure.layout.meta["filename"]


@pytest.mark.parametrize("name", CHARTS)
def test_backgrounds_are_clear_and_text_takes_the_page_colour(name: str) -> None:
    chart, table, _ = CHARTS[name]
    layout = chart(table()).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert layout.font.color is None
    assert layout.template.layout.font.color is None
    assert layout.template.layout.plot_bgcolor is None


@pytest.mark.parametrize("columns", [True, False], ids=["columns", "bare"])
@pytest.mark.parametrize("name", CHARTS)
def test_an_empty_table_gives_a_calm_word_instead_of_an_error(name: str, columns: bool) -> None:
    chart, table, _ = CHARTS[name]
    figure = chart(table().iloc[:0] if columns else pd.DataFrame())
    assert not figure.data
    assert len(figure.layout.annotations) == 1
    assert figure.layout.annotations[0].text.startswith(("No", "Nothing"))


@pytest.mark.parametrize("name", CHARTS)
def test_figures_of_100_000_rows_stay_under_300_kb(name: str) -> None:
    chart, table, _ = CHARTS[name]
    assert len(chart(table(100_000)).to_json()) < 300_000


def test_nothing_finished_is_empty_too() -> None:
    requests = requests_table(5).assign(status="rejected")
    assert not charts.latency_cdf({"fifo": requests}).data
    assert not charts.tenants({"fifo": requests}).data
    assert not charts.confusion(requests).data
    assert not charts.drift(requests).data
