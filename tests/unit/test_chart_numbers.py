"""Charts show the numbers they were given."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from driftsched.charts import (
    arrivals,
    bias,
    claims,
    confusion,
    drift,
    estimation_error,
    fairness,
    gpu,
    latency_bands,
    latency_cdf,
    lengths,
    load_sweep,
    memory,
    queue_depth,
    tenants,
    theme,
)
from driftsched.charts.frames import few, peaks
from driftsched.charts.gpus import GPU_ROWS
from driftsched.charts.marks import add_marks
from driftsched.charts.theme import look_at
from driftsched.charts.traces import line_with_band
from driftsched.results.marks import phase_marks
from tests.unit.chart_tables import (
    CATEGORIES,
    SIZES,
    TENANTS,
    arrivals_table,
    claims_table,
    errors_table,
    fairness_table,
    gpus_table,
    learning_table,
    memory_table,
    queues_table,
    requests_table,
    sweep_table,
)


def test_cdf_passes_the_median_and_marks_p50_and_p99() -> None:
    requests = requests_table(101).assign(e2e_s=np.arange(1.0, 102.0))
    line, points = latency_cdf({"fifo": requests}).data
    assert len(line.x) <= 400
    assert line.x[np.flatnonzero(line.y == 50)[0]] == 51
    assert np.all(np.diff(line.x) >= 0)
    np.testing.assert_allclose(points.x, [51, 100])
    np.testing.assert_allclose(points.y, [50, 99])


def test_cdf_of_waits_of_zero_starts_above_the_bottom_on_a_log_axis() -> None:
    requests = requests_table(100).assign(queue_wait_s=[0.0] * 60 + [2.0] * 40)
    line = latency_cdf({"fifo": requests}, "queue_wait_s").data[0]
    assert line.x.min() > 0
    assert 58 < line.y.min() < 61
    none_wait = requests.assign(queue_wait_s=0.0)
    assert latency_cdf({"fifo": none_wait}, "queue_wait_s").layout.xaxis.type != "log"


def test_band_has_a_gap_where_an_end_is_unknown() -> None:
    """Drawn on over the gap it would claim an interval that nobody knows."""
    x = np.arange(6.0)
    high = np.array([1.0, 1.0, np.inf, 1.0, np.nan, 1.0])
    *areas, line = line_with_band("fifo", "FIFO", "#000000", (x, x, x - 1, high), "")
    assert [sorted(set(area["x"])) for area in areas] == [[0.0, 1.0]]
    assert line["x"].tolist() == x.tolist()


def test_cdf_band_runs_along_high_and_back_along_low() -> None:
    columns = {"share": [0.2, 0.4], "value_s": [1.0, 2.0], "low": [0.1, 0.2], "high": [0.3, 0.5]}
    band = latency_bands(pd.DataFrame({"policy": "fifo", **columns})).data[0]
    np.testing.assert_allclose(band.x, [1, 2, 2, 1])
    np.testing.assert_allclose(band.y, [30, 50, 20, 10])


def test_queues_are_steps_and_small_tenants_add_up() -> None:
    queues = pd.DataFrame(
        {"time_s": [1.0, 2.0, 3.0, 4.0], "tenant": ["a", "b", "a", "b"], "waiting": [1, 1, 2, 0]}
    )
    by_tenant = queue_depth(queues).data
    assert [list(line.y) for line in by_tenant] == [[1, 2], [1, 0]]
    assert by_tenant[0].line.shape == "hv"
    busy = pd.DataFrame({"time_s": 0.0, "tenant": [f"t{n}" for n in range(9)], "waiting": 9})
    others = queue_depth(pd.concat([busy, queues.assign(time_s=range(1, 5))])).data[-1]
    assert list(others.y) == [1, 2, 3, 2]


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
    lines = queue_depth(queues).data
    assert len(lines) == 10
    assert lines[-1].y[-1] == sum(range(1, 32))


def test_drift_is_actual_over_estimated() -> None:
    requests = requests_table().assign(estimated_output_tokens=100, counted_output_tokens=150)
    lines = [trace for trace in drift(requests).data if trace.showlegend is None]
    assert [line.name for line in lines] == CATEGORIES
    assert all(np.allclose(line.y, 1.5) for line in lines)
    few_rows = requests.iloc[:11].assign(
        category="report", estimated_output_tokens=10, counted_output_tokens=range(11)
    )
    line = next(trace for trace in drift(few_rows).data if trace.name == "report")
    assert line.y[0] == 0.5
    np.testing.assert_allclose(line.customdata[0], [0.1, 0.9])


def test_bias_shows_the_last_learned_value() -> None:
    learning = learning_table(3000)
    line = next(t for t in bias(learning).data if t.name == "report")
    mine = learning[learning["key"] == "report"]
    assert line.y[-1] == mine["bias"].iloc[-1]
    assert line.x[-1] == mine["time_s"].iloc[-1]


def test_confusion_counts_and_shares() -> None:
    requests = requests_table(4).assign(
        size_class=pd.Categorical(["short", "medium", "short", "long"], SIZES),
        actual_size_class=pd.Categorical(["short", "short", "short", "long"], SIZES),
    )
    cells = confusion(requests).data[0]
    assert np.asarray(cells.text).tolist() == [["2", "1", "0"], ["0", "0", "0"], ["0", "0", "1"]]
    np.testing.assert_allclose(cells.z[0], [200 / 3, 100 / 3, 0])
    assert list(cells.x) == SIZES


def test_estimation_error_has_a_bar_a_measure_with_the_interval_of_the_mae() -> None:
    mae, rmse = estimation_error(errors_table()).data
    assert (list(mae.y), list(rmse.y)) == ([80, 40], [120, 60])
    assert list(mae.x) == ["No compensation", "EMA"]
    assert (list(mae.error_y.array), list(mae.error_y.arrayminus)) == ([15, 4], [10, 5])
    assert rmse.error_y.visible is False


def test_tenant_boxes_are_quantiles_in_the_scenario_order() -> None:
    requests = requests_table()
    box = tenants({"fifo": requests}).data[0]
    assert list(box.x) == TENANTS
    premium = requests.loc[requests["tenant"] == "premium", "e2e_s"]
    expected = premium.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    drawn = [box.lowerfence[0], box.q1[0], box.median[0], box.q3[0], box.upperfence[0]]
    np.testing.assert_allclose(drawn, expected)


@pytest.mark.parametrize(("now", "drawn"), [(0.5, True), (17.6, False), (None, False)])
def test_a_dashed_line_is_spoken_of_only_where_it_is_drawn(now: float | None, drawn: bool) -> None:
    """The load that is set may be far beyond those of the picture."""
    figure = load_sweep(sweep_table(), 95, now=now)
    assert [shape.x0 for shape in figure.layout.shapes] == ([now] if drawn else [])
    assert ("dashed line" in look_at(figure)) == drawn


def test_fairness_states_the_largest_gap() -> None:
    figure = fairness(fairness_table(), {"fifo": "9 k", "sjf": "12 ±1 k"})
    assert [*figure.layout.xaxis.categoryarray] == ["FIFO<br>gap 9 k", "SJF<br>gap 12 ±1 k"]
    assert list(figure.data[0].y) == [1, 2]


def test_gpu_leaves_out_what_is_unknown_and_turns_shares_into_percent() -> None:
    figure = gpu(gpus_table().assign(power_w=np.nan))
    assert [trace.name for trace in figure.data] == list(GPU_ROWS[:3])
    assert np.allclose(figure.data[1].y, 25)
    assert np.allclose(figure.data[2].y, 50)


def test_arrival_means_keep_the_rate() -> None:
    figure = arrivals(arrivals_table(5000))
    assert [trace.name for trace in figure.data] == TENANTS
    assert len(figure.data[0].x) == 300
    assert np.allclose(figure.data[2].y, 3)


def test_lengths_mark_the_budget_and_add_up_to_all() -> None:
    figure = lengths(requests_table())
    budget = next(trace for trace in figure.data if trace.name == "report budget")
    assert list(budget.x) == [100, 100]
    assert all(
        trace.y.sum() == pytest.approx(100) for trace in figure.data if trace.name in CATEGORIES
    )


def test_claims_put_the_interval_around_ours() -> None:
    ours, published = claims(claims_table()).data
    assert (ours.x[0], published.x[0]) == (-33, -38)
    assert (ours.error_x.array[0], ours.error_x.arrayminus[0]) == (8, 7)


def test_marks_are_lines_with_labels_that_do_not_touch() -> None:
    figure = queue_depth(queues_table())
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
    figure = bias(learning_table())
    assert theme.MODEBAR["toImageButtonOptions"]["format"] == "svg"
    options = theme.modebar("png", figure.layout.meta["filename"])["toImageButtonOptions"]
    assert (options["format"], options["filename"]) == ("png", "bias")
    assert theme.MODEBAR["toImageButtonOptions"]["format"] == "svg", "the shared one is not changed"


def test_charts_do_not_need_streamlit() -> None:
    code = "import sys, driftsched.charts; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_drifted_lengths_lie_beside_the_former_ones() -> None:
    """Before and after must be told apart, in one colour a category."""
    table = requests_table()
    later = table.assign(output_tokens=4 * table["output_tokens"])
    figure = lengths(table, drifted=later)
    solid, dashed = (
        [t for t in figure.data if t.line.dash == dash and t.xaxis == "x"]
        for dash in ("solid", "dash")
    )
    assert [t.line.color for t in solid] == [t.line.color for t in dashed]
    middles = [np.average(t.x[:-1], weights=t.y[:-1]) for group in (solid, dashed) for t in group]
    assert np.divide(middles[4:], middles[:4]) == pytest.approx(4, rel=0.1)


def test_parts_of_the_memory_stand_behind_each_other() -> None:
    """The bar's length must be the GPU's memory."""
    figure = memory(memory_table(4))
    assert figure.layout.barmode == "stack"
    assert sum(bar.x[0] for bar in figure.data) == pytest.approx(np.linspace(1, 9, 4).sum())
