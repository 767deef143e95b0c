"""Fairness, against numbers worked out by hand."""

import numpy as np
import pytest

from driftsched.results import (
    jain_index,
    metrics_table,
    service_gaps,
    weighted_service,
)
from driftsched.results.fairness import _courses, _service
from driftsched.results.tables import finished_rows
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.unit.results_data import hand_run


def test_jain_index() -> None:
    assert jain_index([3, 3, 3]) == pytest.approx(1)
    assert jain_index([7, 0]) == pytest.approx(0.5)
    assert jain_index([1, 2, 3]) == pytest.approx(36 / 42)
    assert jain_index([1e300, 1e300]) == pytest.approx(1)
    assert np.isnan(jain_index([0, 0]))
    assert np.isnan(jain_index([]))
    for bad in ([1, -1], [1, np.nan]):
        with pytest.raises(ValueError, match="must be >= 0"):
            jain_index(bad)


def test_weighted_service_by_hand() -> None:
    table = weighted_service(hand_run()).set_index("tenant")
    # a: 68 prompt + 2·14 output; b: 12 + 2·9. Requests that did not finish got nothing.
    assert list(table["service_tokens"]) == [96, 30]
    assert list(table["normalised_service"]) == [48, 30]
    assert list(table["normalised_share"]) == pytest.approx([48 * 3 / 126, 30 * 3 / 126])
    assert jain_index(table["normalised_service"]) == pytest.approx(78**2 / (2 * (48**2 + 30**2)))


def test_starvation_by_hand() -> None:
    metrics = metrics_table(hand_run()).set_index("name")
    assert list(metrics.loc[["a", "b"], "starved"]) == [0, 2]


def test_service_gap_by_hand() -> None:
    # Both wait only from 1.0 to 2.5. In it request 0 (a) gets three quarters of its ten tokens'
    # worth of output (0.5 to 2.5), and b gets nothing.
    gaps = service_gaps(hand_run())
    assert gaps.iloc[0][["tenant_a", "tenant_b"]].tolist() == ["a", "b"]
    assert gaps["gap_tokens"][0] == pytest.approx(7.5)


def test_service_ends_at_all_the_tokens() -> None:
    run = hand_run()
    assert _courses(run, ["a"])[0]["a"][-1] == pytest.approx(96)
    mine = finished_rows(run.requests[run.requests["tenant"] == "a"])
    assert _service(mine, np.array([0.25, 0.5, 1.5, 2.5])) == pytest.approx([5, 10, 15, 20])


def test_service_gap_equals_a_search_over_all_intervals() -> None:
    run = simulate(load_scenario("paper", ["phases.0.requests=30", "phases.1.requests=40"]))
    gaps = service_gaps(run)
    service, backlogged = _courses(run, run.scenario.tenant_names)
    assert len(gaps) == 3
    assert (gaps["gap_tokens"] > 0).any()
    for _, row in gaps.iterrows():
        a, b = row["tenant_a"], row["tenant_b"]
        difference = service[a] - service[b]
        both = backlogged[a] & backlogged[b]
        slow = 0.0
        for first in range(len(both)):
            for last in range(first, len(both)):
                if not both[first:last].all():
                    break
                slow = max(slow, abs(difference[last] - difference[first]))
        assert row["gap_tokens"] == pytest.approx(slow)


def test_a_tenant_without_requests_has_rows() -> None:
    run = hand_run()
    only_a = run.requests[run.requests["tenant"] == "a"]
    lone = type(run)(run.scenario, only_a, run.queues[run.queues["tenant"] == "a"], run.gpus,
                     run.learning)  # fmt: skip
    assert list(weighted_service(lone)["service_tokens"]) == [96, 0]
    assert list(service_gaps(lone)["gap_tokens"]) == [0]
