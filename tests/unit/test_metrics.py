"""Metrics, against numbers worked out by hand and one run of the simulator."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from driftsched.results import ENERGY_METRICS, metrics_table, percentile_columns, summarise
from driftsched.results.percentiles import Summary
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.unit.results_data import hand_requests, hand_run, hand_scenario

ENDS = ("completed", "rejected", "failed", "timed_out", "cancelled")


def number(summary: Summary, name: str) -> float:
    value = summary[name]
    assert value is not None
    return value


def test_counts_and_rates_of_the_hand_made_run() -> None:
    summary = summarise(hand_requests(), hand_scenario())
    assert [summary["submitted"], *(summary[end] for end in ENDS)] == [7, 5, 1, 0, 1, 0]
    assert summary["duration"] == 8.0
    assert (summary["total_input_tokens"], summary["total_output_tokens"]) == (80, 23)
    assert summary["request_throughput"] == 5 / 8
    assert summary["output_throughput"] == 23 / 8
    assert summary["total_token_throughput"] == 103 / 8


def test_latencies_of_the_hand_made_run() -> None:
    summary = summarise(hand_requests(), hand_scenario())
    # E2E of the five finished: 1.5, 2.5, 2.8, 4.5, 5.0
    expected = {
        "mean_e2el_ms": 3260,
        "median_e2el_ms": 2800,
        "p50_e2el_ms": 2800,
        "p90_e2el_ms": 4800,
        "p99.9_e2el_ms": 4998,
        "std_e2el_ms": 1000 * np.std([1.5, 2.5, 2.8, 4.5, 5.0]),
        "mean_ttft_ms": 1000 * (0.5 + 2.5 + 2.0 + 1.5 + 1.3) / 5,
        "mean_queue_wait_ms": 1000 * (0 + 2 + 1.5 + 1 + 0.8) / 5,
        # An answer of one token has no time per output token.
        "mean_tpot_ms": 1000 * (0.5 + 0.25 + 1.0 + 0.5) / 4,
        "mean_norm_latency_ms": 890,
    }
    assert {name: summary[name] for name in expected} == pytest.approx(expected)


def test_starved_counts_those_who_gave_up_too() -> None:
    # Request 1 waited 2 s, request 4 waited 2 s until it timed out; the threshold is 1.9 s.
    assert summarise(hand_requests(), hand_scenario())["starved"] == 2


def test_objectives() -> None:
    requests, scenario = hand_requests(), hand_scenario()
    summary = summarise(requests, scenario)
    # a: 0 and 6 meet all, 2 and 5 miss the time to first token; b has no objective.
    assert summary["slo_attainment"] == 0.5
    assert summary["slo_attainment_of_completed"] == 0.5
    assert summary["request_goodput"] == 3 / 8
    only_b = summarise(requests[requests["tenant"] == "b"], scenario)
    assert only_b["slo_attainment"] is None
    assert only_b["request_goodput"] is None


def test_rejecting_requests_cannot_raise_the_attainment() -> None:
    tenants = hand_scenario().model_dump(mode="json", exclude_none=True)["tenants"]
    tenants[1]["slo"] = {"e2e_s": 10.0}
    summary = summarise(hand_requests(), hand_scenario(tenants=tenants))
    # b submitted three, of which one was rejected and one timed out.
    assert summary["slo_attainment"] == 3 / 7
    assert summary["slo_attainment_of_completed"] == 3 / 5


def test_by_weight_a_request_counts_as_much_as_its_tenant() -> None:
    tenants = hand_scenario().model_dump(mode="json", exclude_none=True)["tenants"]
    tenants[0]["weight"], tenants[1] = 5.0, tenants[1] | {"slo": {"e2e_s": 10.0}, "weight": 2.0}
    summary = summarise(hand_requests(), hand_scenario(tenants=tenants))
    # a: two of four, b: one of three
    assert summary["weighted_slo_attainment"] == (2 * 5 + 1 * 2) / (4 * 5 + 3 * 2)


def test_an_objective_met_exactly_is_met() -> None:
    requests = hand_requests()
    assert requests.loc[2, "tpot_s"] == 1.0
    tenants = hand_scenario().model_dump(mode="json", exclude_none=True)["tenants"]
    tenants[0]["slo"] = {"tpot_s": 1.0}
    assert summarise(requests, hand_scenario(tenants=tenants))["slo_attainment"] == 1.0


def test_an_empty_group_has_counts_of_zero_and_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = summarise(hand_requests().iloc[:0], hand_scenario())
        given = summarise(hand_requests().iloc[:0], hand_scenario(), duration_s=8.0)
    assert all(summary[name] == 0 for name in ("submitted", "starved", "duration", *ENDS))
    assert math.isnan(number(summary, "median_e2el_ms"))
    assert math.isnan(number(summary, "mean_norm_latency_ms"))
    assert math.isnan(number(summary, "request_throughput"))
    assert given["request_throughput"] == 0


def test_a_group_in_which_nobody_finished() -> None:
    requests = hand_requests()
    summary = summarise(requests[requests["status"] != "finished"], hand_scenario())
    assert (summary["completed"], summary["rejected"], summary["timed_out"]) == (0, 1, 1)
    assert math.isnan(number(summary, "p90_ttft_ms"))


def test_status_and_names_may_be_plain_text() -> None:
    plain = hand_requests().astype({"status": object, "tenant": object, "category": object})
    assert summarise(plain, hand_scenario()) == pytest.approx(
        summarise(hand_requests(), hand_scenario())
    )


def test_percentiles_always_hold_the_median_and_leave_out_nan() -> None:
    columns = percentile_columns(np.array([3.0, np.nan, 1.0]), "x", [99.9, 5])
    assert list(columns)[3:] == ["p5_x_ms", "p50_x_ms", "p99.9_x_ms"]
    assert columns["p50_x_ms"] == columns["median_x_ms"] == 2000


def test_table_has_overall_then_tenants_then_categories() -> None:
    table = metrics_table(hand_run())
    named = list(zip(table["scope"], table["name"], strict=True))
    assert named == [
        ("overall", "all"),
        ("tenant", "a"),
        ("tenant", "b"),
        ("category", "chat"),
        ("category", "report"),
    ]
    assert list(table["submitted"]) == [7, 4, 3, 5, 2]
    assert list(table["duration"]) == [8.0] * 5
    assert table["slo_attainment"].dtype == np.float64
    assert np.isnan(table["slo_attainment"][2])


def test_table_rows_equal_summaries_of_the_groups_of_a_real_run() -> None:
    run = simulate(load_scenario("paper", ["phases.0.requests=80", "phases.1.requests=160"]))
    table = metrics_table(run)
    assert table["submitted"][0] == 240
    for _, row in table.iloc[1:].iterrows():
        group = run.requests[run.requests[row["scope"]] == row["name"]]
        expected = summarise(group, run.scenario, duration_s=table["duration"][0])
        got = row.drop(["scope", "name", *ENERGY_METRICS]).astype(float)
        wanted = pd.Series(expected, dtype=float)
        pd.testing.assert_series_equal(got, wanted, check_names=False)
    for scope in ("tenant", "category"):
        parts = table[table["scope"] == scope]
        assert parts["request_throughput"].sum() == pytest.approx(table["request_throughput"][0])
