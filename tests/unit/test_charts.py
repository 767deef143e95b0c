"""Every chart carries units, stays small, and is calm where there is nothing to draw."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import pytest

from driftsched import charts
from driftsched.charts import (
    arrivals,
    bands,
    bias,
    calibration,
    claims,
    confusion,
    drift,
    energy,
    estimation_error,
    estimation_scatter,
    fairness,
    fit,
    gpu,
    latency_cdf,
    latency_histogram,
    lengths,
    load_sweep,
    memory,
    percentiles,
    queue_depth,
    tenants,
    twin,
)
from tests.unit.chart_tables import (
    arrivals_table,
    cdf_table,
    claims_table,
    course_table,
    curves_table,
    errors_table,
    every_policy,
    fairness_table,
    fit_table,
    gpus_table,
    joules_table,
    learning_table,
    memory_table,
    percentiles_table,
    queues_table,
    requests_table,
    residuals_table,
    sweep_table,
)


def by_policy(chart: Callable[..., go.Figure]) -> Callable[[pd.DataFrame], go.Figure]:
    return lambda frame: chart(every_policy(frame))


CHARTS: dict[str, tuple[Callable[..., go.Figure], Callable[..., pd.DataFrame], list[str]]] = {
    "latency_cdf": (by_policy(latency_cdf.latency_cdf), requests_table, ["(s)", "(%)"]),
    "percentiles": (percentiles.percentiles, percentiles_table, ["Percentile", "(s)"]),
    "queue_depth": (queue_depth.queue_depth, queues_table, ["(s)", "requests"]),
    "drift": (drift.drift, requests_table, ["(s)", "(ratio)"]),
    "bias": (bias.bias, learning_table, ["(s)", "(factor)"]),
    "estimation_scatter": (
        estimation_scatter.estimation_scatter,
        requests_table,
        ["(tokens)", "(tokens)"],
    ),
    "confusion": (confusion.confusion, requests_table, ["Estimated size", "Actual size"]),
    "estimation_error": (
        estimation_error.estimation_error,
        errors_table,
        ["Compensator", "(tokens)"],
    ),
    "tenants": (by_policy(tenants.tenants), requests_table, ["Tenant", "(s)"]),
    "fairness": (fairness.fairness, fairness_table, ["Policy", "1 = its due"]),
    "energy": (energy.energy, joules_table, ["(s)", "(kJ)"]),
    "gpu": (gpu.gpu, gpus_table, ["(s)", "(requests)"]),
    "latency_histogram": (
        latency_histogram.latency_histogram,
        requests_table,
        ["(s)", "Requests"],
    ),
    "arrivals": (arrivals.arrivals, arrivals_table, ["(s)", "(requests/s)"]),
    "lengths": (lengths.lengths, requests_table, ["(tokens)", "(%)"]),
    "memory": (memory.memory, memory_table, ["(GB)", "GPU"]),
    "claims": (claims.claims, claims_table, ["(%)", ""]),
    "calibration": (calibration.calibration, residuals_table, ["(ms)", "(ms)"]),
    "fit": (fit.fit, fit_table, ["(tokens)", "(%)"]),
    "twin": (lambda frame: twin.twin(frame, frame), requests_table, ["(s)", "(%)"]),
    "twin_policies": (
        lambda frame: twin.twin_policies(frame, every_policy(frame)),
        requests_table,
        ["(s)", "(%)"],
    ),
    "bands": (bands.queue_bands, course_table, ["(s)", "requests"]),
    "load_sweep": (
        lambda frame: load_sweep.load_sweep(frame, 95, now=0.5),
        sweep_table,
        ["capacity", "(s)"],
    ),
    "latency_bands": (latency_cdf.latency_bands, cdf_table, ["(s)", "(%)"]),
    "twin_queues": (twin.twin_queues, curves_table, ["(s)", "requests"]),
}


def test_every_chart_is_in_the_list_above() -> None:
    helpers = {"theme", "labels", "frames", "marks", "report_figures"}
    modules = {module.name for module in pkgutil.iter_modules(charts.__path__)} - helpers
    seconds = {"twin_policies", "twin_queues", "latency_bands"}
    assert modules == set(CHARTS) - seconds
    assert modules < set(charts.__all__)


@pytest.mark.parametrize("name", charts.__all__)
def test_public_names_resolve_and_charts_say_what_to_look_at(name: str) -> None:
    module = getattr(charts, name)
    assert all(hasattr(module, public) for public in module.__all__)
    if name in CHARTS:
        sentence = module.LOOK_AT
        assert sentence.endswith(".")
        assert ". " not in sentence, "one sentence"


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
    assert not latency_cdf.latency_cdf({"fifo": requests}).data
    assert not tenants.tenants({"fifo": requests}).data
    assert not confusion.confusion(requests).data
    assert not drift.drift(requests).data
