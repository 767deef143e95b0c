"""Charts show the numbers they were given, in the same colours everywhere, and stay small."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations

import numpy as np
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
    load,
    load_sweep,
    memory,
    percentiles,
    queue_depth,
    tenants,
    theme,
    twin,
)
from driftsched.charts.frames import few, peaks
from driftsched.charts.marks import add_marks, phase_marks

TENANTS = ["premium", "standard", "batch"]
CATEGORIES = ["short_qa", "summary", "technical", "report"]
SIZES = ["short", "medium", "long"]
POLICIES = ["fifo", "priority", "weighted", "sjf", "aging"]


def requests_table(n: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arrival = np.sort(rng.uniform(0, 100, n))
    wait, service = rng.exponential(2, n), rng.lognormal(0, 0.5, n)
    estimate, actual = rng.integers(20, 800, n), rng.integers(20, 800, n)

    def size(lengths: np.ndarray) -> pd.Categorical[str]:
        return pd.Categorical.from_codes(np.digitize(lengths, [129, 513]), pd.Index(SIZES))

    return pd.DataFrame(
        {
            "tenant": pd.Categorical.from_codes(rng.integers(0, 3, n), pd.Index(TENANTS)),
            "category": pd.Categorical.from_codes(rng.integers(0, 4, n), pd.Index(CATEGORIES)),
            "phase": pd.Categorical.from_codes(
                (arrival > 50).astype(int), pd.Index(["calm", "storm"])
            ),
            "size_class": size(estimate),
            "actual_size_class": size(actual),
            "prompt_tokens": rng.integers(5, 500, n),
            "output_tokens": actual,
            "base_tokens": 100,
            "estimated_output_tokens": estimate,
            "counted_output_tokens": actual,
            "arrival_s": arrival,
            "finish_s": arrival + wait + service,
            "queue_wait_s": wait,
            "ttft_s": wait + 0.05,
            "tpot_s": service / 100,
            "e2e_s": wait + service,
            "status": pd.Categorical(["finished"] * n, ["finished", "rejected"]),
        }
    )


def queues_table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "time_s": np.sort(rng.uniform(0, 100, n)),
            "tenant": pd.Categorical.from_codes(rng.integers(0, 3, n), pd.Index(TENANTS)),
            "waiting": rng.integers(0, 50, n),
        }
    )


def learning_table(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "time_s": np.arange(n, dtype=float),
            "key": pd.Categorical.from_codes(rng.integers(0, 4, n), pd.Index(CATEGORIES)),
            "measured_bias": rng.lognormal(0, 0.3, n),
            "bias": rng.lognormal(0, 0.1, n),
        }
    )


def gpus_table(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "time_s": np.arange(n) * 0.2,
            "replica": 0,
            "running": rng.integers(0, 32, n),
            "kv_used_tokens": 500,
            "kv_capacity_tokens": 2000,
            "busy": 0.5,
            "power_w": 60.0,
        }
    )


def joules_table(n: int = 50) -> pd.DataFrame:
    time_s = np.arange(n) * 0.2
    return pd.DataFrame(
        {
            "time_s": time_s,
            "energy_j": 60 * time_s,
            "tokens": 100 * time_s,
            "energy_per_1000_tokens_j": 600.0,
        }
    )


def percentiles_table(n: int = 0) -> pd.DataFrame:
    rows = [("fifo", "e2e_s", 50, 2.0, 1.5, 2.75), ("sjf", "e2e_s", 50, 1.0, 0.9, 1.2)]
    return pd.DataFrame(
        rows, columns=["policy", "metric", "percentile", "value_s", "low_s", "high_s"]
    )


def errors_table(n: int = 0) -> pd.DataFrame:
    rows = [("none", 80.0, 120.0, 70.0, 95.0), ("ema", 40.0, 60.0, 35.0, 44.0)]
    return pd.DataFrame(rows, columns=["compensator", "mae", "rmse", "low", "high"])


def fairness_table(n: int = 0) -> pd.DataFrame:
    rows = [("fifo", "premium", 1.0), ("fifo", "batch", 1.0), ("sjf", "premium", 2.0)]
    return pd.DataFrame(
        [*rows, ("sjf", "batch", 0.0)], columns=["policy", "tenant", "normalised_share"]
    )


def arrivals_table(n: int = 60) -> pd.DataFrame:
    times = np.repeat(np.arange(n, dtype=float), 3)
    return pd.DataFrame({"time_s": times, "tenant": TENANTS * n, "rate_rps": [1.0, 2.0, 3.0] * n})


def claims_table(n: int = 0) -> pd.DataFrame:
    row = ("Weighted lowers P99", -38.0, -33.0, -40.0, -25.0)
    columns = ["claim", "published_percent", "ours_percent", "low", "high"]
    return pd.DataFrame([row], columns=columns)


def residuals_table(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    seconds = rng.uniform(0.1, 2.0, n)
    return pd.DataFrame(
        {
            "start_s": np.arange(n, dtype=np.float64),
            "seconds": seconds,
            "predicted_s": seconds * rng.uniform(0.9, 1.1, n),
            "iterations": rng.integers(1, 30, n),
            "tokens": 4.0,
            "requests": 4.0,
            "kv_tokens": 900.0,
            "prompts": np.arange(n) % 2,
        }
    )


def curves_table(n: int = 50) -> pd.DataFrame:
    levels = np.arange(n) % 7
    return pd.DataFrame({"time_s": np.arange(n) / 2, "live": levels, "twin": levels + 1})


def stretches_table(n: int = 6) -> pd.DataFrame:
    start = np.arange(n) * 10.0
    rho = np.tile([0.5, 1.5, 0.8], n)[:n]
    queue = np.arange(n, dtype=np.float64)
    rates = {"rate_rps": 10 * rho, "saturation_rps": 10.0, "rho": rho}
    return pd.DataFrame(
        {"from_s": start, "to_s": start + 10, "entered": queue, "backlog": queue + 1} | rates
    )


def memory_table(n: int = 8) -> pd.DataFrame:
    parts = ["Weights", "Activations", "KV cache", "Left free"]
    return pd.DataFrame(
        {
            "gpu": [f"GPU {row // 4}" for row in range(n)],
            "part": [parts[row % 4] for row in range(n)],
            "gb": np.linspace(1, 9, n),
        }
    )


def fit_table(n: int = 90) -> pd.DataFrame:
    """Curves as `TraceFit.curves` gives them."""
    quantities = ["gap", "prompt_tokens", "output_tokens"]
    share = (np.arange(n) // 3 + 1) / (n // 3)
    return pd.DataFrame(
        {
            "quantity": (quantities * n)[:n],
            "category": (["", *CATEGORIES[:2]] * n)[:n],
            "value": np.arange(1.0, n + 1),
            "data_share": share,
            "fit_share": share**1.1,
            "ks": 0.03,
        }
    )


def every_policy(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return dict.fromkeys(POLICIES, frame)


def course_table(n: int = 60) -> pd.DataFrame:
    """Means over time as `queue_course` gives them."""
    mean = np.arange(n) % 9 + 1.0
    return pd.DataFrame(
        {
            "name": (POLICIES * n)[:n],
            "time_s": np.arange(n) / 2,
            "mean": mean,
            "low": mean - 0.5,
            "high": mean + 0.5,
        }
    )


def sweep_table(n: int = 20) -> pd.DataFrame:
    seconds = np.arange(n) + 1.0
    return pd.DataFrame(
        {
            "policy": (POLICIES * n)[:n],
            "utilisation": np.arange(n) / 10,
            "value_s": seconds,
            "low_s": seconds - 0.5,
            "high_s": seconds + 0.5,
            "knee": np.arange(n) == 6,
        }
    )


def cdf_table(n: int = 40) -> pd.DataFrame:
    share = (np.arange(n) // 2 + 0.5) / max(n // 2, 1)
    columns = {"policy": (POLICIES[:2] * n)[:n], "share": share, "value_s": 1 + share}
    return pd.DataFrame(columns | {"low": share - 0.02, "high": share + 0.02})


def by_policy(chart: Callable[..., go.Figure]) -> Callable[[pd.DataFrame], go.Figure]:
    return lambda frame: chart(every_policy(frame))


CHARTS: dict[str, tuple[Callable[..., go.Figure], Callable[..., pd.DataFrame], list[str]]] = {
    "latency_cdf": (by_policy(latency_cdf.latency_cdf), requests_table, ["(s)", "(%)"]),
    "percentiles": (percentiles.percentiles, percentiles_table, ["Percentile", "(s)"]),
    "queue_depth": (queue_depth.queue_depth, queues_table, ["(s)", "requests"]),
    "queue_depth_by_policy": (
        by_policy(queue_depth.queue_depth_by_policy),
        queues_table,
        ["(s)", "requests"],
    ),
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
    "load": (load.load, stretches_table, ["(s)", "(requests)"]),
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
    seconds = {"queue_depth_by_policy", "twin_policies", "twin_queues", "latency_bands"}
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


def test_a_policy_has_one_colour_whatever_stands_beside_it() -> None:
    requests = requests_table()
    alone = latency_cdf.latency_cdf({"sjf": requests})
    among = tenants.tenants(dict.fromkeys(reversed(POLICIES), requests))
    bars = percentiles.percentiles(percentiles_table())
    colours = {alone.data[0].line.color}
    colours |= {trace.line.color for trace in among.data if trace.name == "SJF"}
    colours |= {trace.marker.color for trace in bars.data if trace.name == "SJF"}
    assert colours == {theme.policy_colours(["sjf"])["sjf"]}


def test_a_tenant_has_one_colour_on_every_page() -> None:
    figures = [
        queue_depth.queue_depth(queues_table()),
        latency_histogram.latency_histogram(requests_table()),
        arrivals.arrivals(arrivals_table()),
    ]
    seen = {
        trace.line.color for figure in figures for trace in figure.data if trace.name == "batch"
    }
    assert seen == {theme.tenant_colours(["batch"])["batch"]}


@pytest.mark.parametrize(
    "colours", [theme.policy_colours, theme.tenant_colours, theme.category_colours]
)
def test_unknown_names_never_take_the_colour_of_a_known_one(
    colours: Callable[[list[str]], dict[str, str]],
) -> None:
    names = ["mine", "fifo", "premium", "short_qa", "yours", "batch", "sjf", "report"]
    assert len(set(colours(names).values())) == len(names)


def luminance(colour: str) -> float:
    return float(np.dot([0.2126, 0.7152, 0.0722], linear(colour)))


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("colour", theme.PALETTE)
def test_colours_are_readable_on_white_and_on_dark(colour: str) -> None:
    dark = luminance("#0e1117")
    assert 1.05 / (luminance(colour) + 0.05) >= 2.99
    assert (luminance(colour) + 0.05) / (dark + 0.05) >= 3


DEUTERANOPIA = np.array(
    [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
)  # Machado, Oliveira and Fernandes 2009, severity 1
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])


@pytest.mark.parametrize("sight", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
@pytest.mark.parametrize(
    "colours",
    [
        theme.policy_colours(POLICIES),
        theme.tenant_colours(TENANTS),
        theme.category_colours(CATEGORIES),
    ],
)
def test_fixed_colours_differ_for_the_colour_blind(
    colours: dict[str, str], sight: np.ndarray
) -> None:
    seen = [np.clip(sight @ linear(colour), 0, 1) ** (1 / 2.4) for colour in colours.values()]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 0.17


def test_cdf_passes_the_median_and_marks_p50_and_p99() -> None:
    requests = requests_table(101).assign(e2e_s=np.arange(1.0, 102.0))
    line, points = latency_cdf.latency_cdf({"fifo": requests}).data
    assert len(line.x) <= 400
    assert line.x[np.flatnonzero(line.y == 50)[0]] == 51
    assert np.all(np.diff(line.x) >= 0)
    np.testing.assert_allclose(points.x, [51, 100])
    np.testing.assert_allclose(points.y, [50, 99])


def test_cdf_of_waits_of_zero_starts_above_the_bottom_on_a_log_axis() -> None:
    requests = requests_table(100).assign(queue_wait_s=[0.0] * 60 + [2.0] * 40)
    line = latency_cdf.latency_cdf({"fifo": requests}, "queue_wait_s").data[0]
    assert line.x.min() > 0
    assert 58 < line.y.min() < 61
    none_wait = requests.assign(queue_wait_s=0.0)
    assert latency_cdf.latency_cdf({"fifo": none_wait}, "queue_wait_s").layout.xaxis.type != "log"


def test_cdf_band_runs_along_high_and_back_along_low() -> None:
    columns = {"share": [0.2, 0.4], "value_s": [1.0, 2.0], "low": [0.1, 0.2], "high": [0.3, 0.5]}
    band = latency_cdf.latency_bands(pd.DataFrame({"policy": "fifo", **columns})).data[0]
    np.testing.assert_allclose(band.x, [1, 2, 2, 1])
    np.testing.assert_allclose(band.y, [30, 50, 20, 10])


def test_percentile_bars_and_their_intervals() -> None:
    bar = percentiles.percentiles(percentiles_table()).data[0]
    assert (bar.name, list(bar.x), list(bar.y)) == ("FIFO", ["P50"], [2.0])
    assert (bar.error_y.array[0], bar.error_y.arrayminus[0]) == (0.75, 0.5)


def test_total_queue_adds_the_tenants_up() -> None:
    queues = pd.DataFrame(
        {"time_s": [1.0, 2.0, 3.0, 4.0], "tenant": ["a", "b", "a", "b"], "waiting": [1, 1, 2, 0]}
    )
    total = queue_depth.queue_depth_by_policy({"fifo": queues}).data[0]
    assert list(total.y) == [1, 2, 3, 2]
    by_tenant = queue_depth.queue_depth(queues).data
    assert [list(line.y) for line in by_tenant] == [[1, 2], [1, 0]]
    assert by_tenant[0].line.shape == "hv"


def test_thinning_keeps_the_peak_and_the_level_between_changes() -> None:
    time_s = np.r_[np.arange(1000.0), 5000.0]
    level = np.full(1001, 3.0)
    level[500] = 99.0
    level[-1] = 1.0
    starts, thin = peaks(time_s, level, points=100)
    assert len(starts) == 100
    assert thin.max() == 99
    assert thin[50] == 3, "nothing happens between 1000 s and 5000 s"
    assert thin[-1] == 1


def test_an_interval_also_shows_the_level_it_was_entered_with() -> None:
    time_s = np.array([0.0, 0.9, 1.5, 2.0])
    starts, thin = peaks(time_s, np.array([1.0, 7.0, 2.0, 2.0]), points=3)
    assert (list(starts), list(thin)) == ([0, 1, 2], [7, 7, 2])


def test_of_rows_at_one_instant_the_last_holds() -> None:
    starts, level = peaks(np.array([1.0, 1.0, 2.0]), np.array([5.0, 4.0, 3.0]))
    assert (list(starts), list(level)) == ([1, 2], [4, 3])


def test_many_tenants_are_folded_into_others_without_losing_a_row() -> None:
    names = [f"tenant-{number:02d}" for number in range(40)]
    column = pd.Series(np.repeat(names, range(1, 41))).astype("category")
    folded = few(column)
    assert folded.nunique() == 10
    assert len(folded) == len(column)
    assert (folded == "others").sum() == (column.cat.codes < 31).sum()
    queues = pd.DataFrame({"time_s": np.arange(40.0), "tenant": names, "waiting": range(1, 41)})
    lines = queue_depth.queue_depth(queues).data
    assert len(lines) == 10
    assert lines[-1].y[-1] == sum(range(1, 32))


def test_drift_is_actual_over_estimated() -> None:
    requests = requests_table().assign(estimated_output_tokens=100, counted_output_tokens=150)
    lines = [trace for trace in drift.drift(requests).data if trace.showlegend is None]
    assert [line.name for line in lines] == CATEGORIES
    assert all(np.allclose(line.y, 1.5) for line in lines)
    few_rows = requests.iloc[:11].assign(
        category="report", estimated_output_tokens=10, counted_output_tokens=range(11)
    )
    line = next(trace for trace in drift.drift(few_rows).data if trace.name == "report")
    assert line.y[0] == 0.5
    np.testing.assert_allclose(line.customdata[0], [0.1, 0.9])


def test_bias_shows_the_last_learned_value() -> None:
    learning = learning_table(3000)
    line = next(t for t in bias.bias(learning).data if t.name == "report")
    mine = learning[learning["key"] == "report"]
    assert line.y[-1] == mine["bias"].iloc[-1]
    assert line.x[-1] == mine["time_s"].iloc[-1]


def test_scatter_samples_the_same_dots_each_time() -> None:
    requests = requests_table(5000)
    once = estimation_scatter.estimation_scatter(requests)
    assert once.to_json() == estimation_scatter.estimation_scatter(requests).to_json()
    *dots, diagonal = once.data
    assert sum(len(trace.x) for trace in dots) == 3000
    assert diagonal.x == diagonal.y


def test_confusion_counts_and_shares() -> None:
    requests = requests_table(4).assign(
        size_class=pd.Categorical(["short", "medium", "short", "long"], SIZES),
        actual_size_class=pd.Categorical(["short", "short", "short", "long"], SIZES),
    )
    cells = confusion.confusion(requests).data[0]
    assert np.asarray(cells.text).tolist() == [["2", "1", "0"], ["0", "0", "0"], ["0", "0", "1"]]
    np.testing.assert_allclose(cells.z[0], [200 / 3, 100 / 3, 0])
    assert list(cells.x) == SIZES


def test_estimation_error_has_a_bar_a_measure_with_the_interval_of_the_mae() -> None:
    mae, rmse = estimation_error.estimation_error(errors_table()).data
    assert (list(mae.y), list(rmse.y)) == ([80, 40], [120, 60])
    assert list(mae.x) == ["No compensation", "EMA"]
    assert (list(mae.error_y.array), list(mae.error_y.arrayminus)) == ([15, 4], [10, 5])
    assert rmse.error_y.visible is False


def test_tenant_boxes_are_quantiles_in_the_scenario_order() -> None:
    requests = requests_table()
    box = tenants.tenants({"fifo": requests}).data[0]
    assert list(box.x) == TENANTS
    premium = requests.loc[requests["tenant"] == "premium", "e2e_s"]
    expected = premium.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    drawn = [box.lowerfence[0], box.q1[0], box.median[0], box.q3[0], box.upperfence[0]]
    np.testing.assert_allclose(drawn, expected)


def test_fairness_states_jains_index() -> None:
    figure = fairness.fairness(fairness_table())
    labels = list(figure.layout.xaxis.categoryarray)
    assert labels == ["FIFO<br>Jain 1.000", "SJF<br>Jain 0.500"]
    assert list(figure.data[0].y) == [1, 2]
    given = fairness.fairness(fairness_table(), {"sjf": 0.25})
    assert given.layout.xaxis.categoryarray[1] == "SJF<br>Jain 0.250"


def test_gpu_leaves_out_what_is_unknown_and_turns_shares_into_percent() -> None:
    figure = gpu.gpu(gpus_table().assign(power_w=np.nan))
    assert [trace.name for trace in figure.data] == list(gpu.ROWS[:3])
    assert np.allclose(figure.data[1].y, 25)
    assert np.allclose(figure.data[2].y, 50)


def test_histogram_counts_each_request_once() -> None:
    requests = requests_table()
    requests.loc[0, "queue_wait_s"] = 0.0
    figure = latency_histogram.latency_histogram(requests, "queue_wait_s")
    counts = {trace.name: trace.y.sum() for trace in figure.data}
    assert counts == requests["tenant"].value_counts().to_dict()
    steps = np.diff(np.log(figure.data[0].x))
    assert np.allclose(steps, steps[0]), "bins are logarithmic"


def test_arrival_means_keep_the_rate() -> None:
    figure = arrivals.arrivals(arrivals_table(5000))
    assert [trace.name for trace in figure.data] == TENANTS
    assert len(figure.data[0].x) == 300
    assert np.allclose(figure.data[2].y, 3)


def test_lengths_mark_the_budget_and_add_up_to_all() -> None:
    figure = lengths.lengths(requests_table())
    budget = next(trace for trace in figure.data if trace.name == "report budget")
    assert list(budget.x) == [100, 100]
    assert all(
        trace.y.sum() == pytest.approx(100) for trace in figure.data if trace.name in CATEGORIES
    )


def test_claims_put_the_interval_around_ours() -> None:
    ours, published = claims.claims(claims_table()).data
    assert (ours.x[0], published.x[0]) == (-33, -38)
    assert (ours.error_x.array[0], ours.error_x.arrayminus[0]) == (8, 7)


def test_marks_are_lines_with_labels_that_do_not_touch() -> None:
    figure = queue_depth.queue_depth(queues_table())
    add_marks(figure, [(50.0, "storm"), (0.0, "calm"), (51.0, "after")])
    assert [line.x0 for line in figure.layout.shapes] == [0, 50, 51]
    assert [label.text for label in figure.layout.annotations] == ["calm", "storm", "after"]
    first, storm, after = (label.yshift for label in figure.layout.annotations)
    assert first == storm == 0
    assert after < 0


def test_phases_become_marks_at_their_first_arrival() -> None:
    requests = requests_table()
    (start, calm), (middle, storm) = phase_marks(requests)
    assert (calm, storm) == ("calm", "storm")
    assert start == requests["arrival_s"].min()
    assert middle == requests.loc[requests["phase"] == "storm", "arrival_s"].min()
    assert phase_marks(pd.DataFrame()) == []


def test_image_download_takes_the_name_of_the_figure() -> None:
    figure = bias.bias(learning_table())
    assert theme.MODEBAR["toImageButtonOptions"]["format"] == "svg"
    options = theme.modebar(figure, "png")["toImageButtonOptions"]
    assert (options["format"], options["filename"]) == ("png", "bias")
    assert theme.MODEBAR["toImageButtonOptions"]["format"] == "svg", "the shared one is not changed"


def test_charts_do_not_need_streamlit() -> None:
    code = "import sys, driftsched.charts; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_drifted_lengths_lie_beside_the_former_ones() -> None:
    """Before and after must be told apart, in one colour a category."""
    table = requests_table()
    later = table.assign(output_tokens=4 * table["output_tokens"])
    figure = lengths.lengths(table, drifted=later)
    solid, dashed = (
        [t for t in figure.data if t.line.dash == dash and t.xaxis == "x"]
        for dash in ("solid", "dash")
    )
    assert [t.line.color for t in solid] == [t.line.color for t in dashed]
    middles = [np.average(t.x[:-1], weights=t.y[:-1]) for group in (solid, dashed) for t in group]
    assert np.divide(middles[4:], middles[:4]) == pytest.approx(4, rel=0.1)


def test_load_and_queue_are_those_of_the_stretches() -> None:
    """A step that begins at the wrong time would put the blame on the wrong phase."""
    figure = load.load(stretches_table(3), [(10.0, "crowd")])
    rho, queue = figure.data
    assert list(rho.x) == [0, 10, 10, 20, 20, 30]
    assert list(rho.y) == [0.5, 0.5, 1.5, 1.5, 0.8, 0.8]
    assert list(queue.y) == [0, 1, 1, 2, 2, 3]
    assert [note.text for note in figure.layout.annotations] == ["crowd"]


def test_parts_of_the_memory_stand_behind_each_other() -> None:
    """The bar's length must be the GPU's memory."""
    figure = memory.memory(memory_table(4))
    assert figure.layout.barmode == "stack"
    assert sum(bar.x[0] for bar in figure.data) == pytest.approx(np.linspace(1, 9, 4).sum())
