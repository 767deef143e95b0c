"""compare, and run beside it: JSON of a fixed shape, intervals, verdicts."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from driftsched.cli.output import aligned, print_json
from driftsched.experiments import compare
from driftsched.results import summarise
from driftsched.scenario import load_scenario
from tests.support.commands import SMALL, called, data_of


def test_compare_json_has_the_published_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read these keys; a missing one breaks them."""
    data = data_of(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "5", "--json")
    assert data["scenario"] == "small"
    assert data["seeds"] == [3, 4, 5, 6, 7]
    assert list(data["policies"]) == ["fifo", "sjf"]
    for policy in data["policies"].values():
        assert {"p50_e2el_ms", "p99_e2el_ms", "mean_ttft_ms", "p95_tpot_ms"} <= set(policy)
        ends = ("completed", "rejected", "failed", "timed_out", "cancelled")
        assert policy["submitted"] == sum(policy[end] for end in ends) == 150
        assert list(policy["by_tenant"]) == ["gold", "bulk"]
        assert policy["by_tenant"]["gold"]["p50_e2el_ms"] > 0
        assert list(policy["by_category"]) == ["short_qa", "report"]
        low, high = policy["interval"]["p50_e2el_ms"]
        assert low <= policy["p50_e2el_ms"] <= high
        low, high = policy["by_tenant"]["gold"]["interval"]["mean_ttft_ms"]
        assert low <= policy["by_tenant"]["gold"]["mean_ttft_ms"] <= high
        assert len(policy["per_seed"]["p99_e2el_ms"]) == 5
    errors = data["estimation"]
    for name in ("none", "ema"):
        assert errors[name]["rmse"] >= errors[name]["mae"] > 0
    for measure in ("mae", "rmse"):
        share = 1 - errors["ema"][measure] / errors["none"][measure]
        assert errors[f"{measure}_reduction"] == pytest.approx(share)
    assert data["against"] == "fifo"
    assert list(data["changes"]) == ["sjf"]


def test_every_figure_of_a_comparison_has_its_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A figure of one seed alone, or without an interval, would pass luck off as a finding."""
    data = data_of(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "4", "--json")
    for policy in data["policies"].values():
        groups = [g for scope in ("by_tenant", "by_category") for g in policy[scope].values()]
        for figures in (policy, *groups):
            assert set(figures["interval"]) == {
                name for name, value in figures.items() if not isinstance(value, dict)
            }
        for name in ("jain_index", "service_gap_tokens", "misclassified_share", "starved"):
            low, high = policy["interval"][name]
            assert policy[name] == pytest.approx(np.mean(policy["per_seed"][name]))
            assert len(set(policy["per_seed"][name])) == 1 or low < policy[name] < high
    for name in ("none", "ema"):
        low, high = data["estimation"][name]["interval"]["mae"]
        assert low < data["estimation"][name]["mae"] < high
    low, high = data["estimation"]["mae_reduction_interval"]
    assert low < data["estimation"]["mae_reduction"] < high


def test_changes_come_with_a_plain_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Who reads only the sentence must read what the interval says."""
    data = data_of(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "4", "--json")
    for metric, change in data["changes"]["sjf"].items():
        assert change["low"] is None or change["low"] <= change["mean"] <= change["high"], metric
        told = change["low"] is not None and not change["low"] <= 0 <= change["high"]
        unclear = "can be told" in change["verdict"] or "not known" in change["verdict"]
        assert unclear != told, metric
    assert data["changes"]["sjf"]["p50_e2el_ms"]["verdict"].startswith("sjf's median latency")
    needed = data["replications_needed"]["fifo"]["p50_e2el_ms"]
    assert needed is None or needed >= 2


def test_run_has_every_metric_that_compare_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Else the same question would have an answer under one command only."""
    run = data_of(capsys, "run", SMALL, "--json")
    policy = data_of(capsys, "compare", SMALL, "--policies", "fifo", "--json")["policies"]["fifo"]
    assert run["policy"] == "fifo"
    assert policy == {name: run[name] for name in policy}
    assert run["interval"]["p99_e2el_ms"] == [None, None]
    assert "cannot tell by itself" in run["steady_state"]["remark"]


def test_compare_json_tells_what_the_library_does(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure that the command line computes in its own way would differ from the studio's."""
    data = data_of(capsys, "compare", SMALL, "--policies", "sjf", "--json")
    comparison = compare(load_scenario(SMALL), ["sjf"])
    summary = summarise(comparison.first["sjf"].requests, comparison.scenario)
    for name, value in summary.items():
        shown = data["policies"]["sjf"][name]
        assert value is None or shown == pytest.approx(value), name


def test_compare_takes_all_policies_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, "compare", SMALL, "--json")
    assert {"fifo", "priority", "weighted", "sjf", "aging"} <= set(data["policies"])
    assert "interval" not in data["policies"]["fifo"], "one seed has no interval"


def test_unknown_is_null_and_not_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN is no JSON: strict parsers refuse the whole answer."""
    data = data_of(
        capsys, "compare", SMALL, "--json", "--policies", "fifo", "--set", "tenants.0.slo={}"
    )
    assert data["policies"]["fifo"]["slo_attainment"] is None
    print_json({"a": [math.nan, math.inf, {"b": -math.inf}], "c": 1.5})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, {"b": None}], "c": 1.5}


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("--engine-mode", "continuous", "engine_mode"),
        ("--unit", "tokens", "unit"),
        ("--lengths", "capped", "lengths"),
    ],
)
def test_switches_change_the_run(
    capsys: pytest.CaptureFixture[str], option: str, value: str, key: str
) -> None:
    """A switch that only renamed the run would compare a thing with itself."""
    plain = data_of(capsys, "compare", SMALL, "--policies", "fifo", "--json")
    other = data_of(capsys, "compare", SMALL, "--policies", "fifo", "--json", option, value)
    assert (plain[key], other[key]) != (value, plain[key])
    assert other[key] == value
    assert (plain["policies"], plain["estimation"]) != (other["policies"], other["estimation"])


def test_compare_for_people_lines_up(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "3")
    assert (code, err) == (0, "")
    assert "A small one: 150 requests, gang batching, lengths in words, seeds 3 to 5" in out
    assert "sjf's median latency" in out
    assert "In brackets: 95 % interval over the seeds" in out
    table = [line for line in out.splitlines() if line.startswith(("policy", "fifo", "sjf "))]
    assert len({len(line) for line in table}) == 1


def test_columns_line_up() -> None:
    text = aligned(["", "one"], [["a", "1"], ["long", "1234"]])
    assert text.splitlines() == ["       one", "a        1", "long  1234"]
