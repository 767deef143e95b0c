"""Estimation error and replay."""

import numpy as np
import pytest

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.compensators.ema import EmaConfig
from driftsched.results import (
    confusion,
    drift,
    estimation_error,
    estimation_table,
    misclassified_share,
    replay,
    without_compensation,
)
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.unit.results_data import hand_requests, hand_run, hand_scenario


def test_error_by_hand() -> None:
    error = estimation_error(np.array([6, 4, 9, 6, 8]), np.array([5, 9, 4, 1, 4]))
    assert error["n"] == 5
    assert error["mae"] == 4.0
    assert error["rmse"] == pytest.approx(np.sqrt(92 / 5))
    assert error["mean_signed_error"] == 2.0
    assert error["mape"] == pytest.approx(100 * (1 / 5 + 5 / 9 + 5 / 4 + 5 + 1) / 5)


def test_error_of_nothing_and_of_empty_answers() -> None:
    assert np.isnan(estimation_error(np.array([]), np.array([]))["mae"])
    assert np.isnan(estimation_error(np.array([3]), np.array([0]))["mape"])
    with pytest.raises(ValueError, match="shape"):
        estimation_error(np.array([1, 2]), np.array([1]))


def test_without_compensation_cuts_base_times_safety() -> None:
    assert list(without_compensation(hand_requests(), hand_scenario())) == [6, 4, 9, 6, 4, 6, 6]


def test_replay_of_the_own_compensator_gives_the_runs_estimates() -> None:
    requests, scenario = hand_requests(), hand_scenario()
    own = replay(requests, scenario, scenario.estimator.compensator)
    # Request 5 arrives as request 1 finishes: it must not profit yet; request 6 does.
    assert list(own) == [6, 4, 9, 6, 4, 6, 8]


def test_replay_clips_as_the_ema_does() -> None:
    # Unclipped or clipped at 1.2, request 1's ratio of 1.8 makes another bias for request 6.
    spec = EmaConfig(alpha=1.0, low=0.25, high=1.2)
    assert list(replay(hand_requests(), hand_scenario(), spec))[6] == int(6 * 1.2)


def test_replay_knows_cut_answers_as_the_gateway_does() -> None:
    """Else the run's own compensator would be said to have erred otherwise than it did."""
    told = ["unit=tokens", "censoring=true", "compensator.kind=hierarchical"]
    scenario = load_scenario("paper-continuous", [f"estimator.{one}" for one in told])
    run = simulate(scenario)
    again = replay(run.requests, scenario, scenario.estimator.compensator)
    assert np.array_equal(again, run.requests["estimated_output_tokens"])
    most = run.requests["max_output_tokens"]
    assert (run.requests["estimated_output_tokens"] <= most).all()
    assert (run.requests["output_tokens"] == most).mean() > 0.05, "some answers are cut"


def test_replay_does_not_depend_on_the_order_of_rows() -> None:
    requests = hand_requests()
    shuffled = requests.sample(frac=1, random_state=3)
    own = replay(shuffled, hand_scenario(), hand_scenario().estimator.compensator)
    assert list(own) == list(shuffled["estimated_output_tokens"])


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("kind", list(COMPENSATORS))
def test_replay_equals_the_gateway_on_real_runs(mode: str, kind: str) -> None:
    changes = ["phases.0.requests=150", "phases.1.requests=300", f"engine.mode={mode}"]
    run = simulate(
        load_scenario("paper", [*changes, f"estimator.compensator.kind={kind}", "policy.kind=sjf"])
    )
    again = replay(run.requests, run.scenario, run.scenario.estimator.compensator)
    np.testing.assert_array_equal(again, run.requests["estimated_output_tokens"])


def test_table_by_hand() -> None:
    table = estimation_table(hand_run()).set_index("compensator")
    assert list(table.index) == ["none", "ema", "oracle"]
    assert list(table["own"]) == [False, True, False]
    assert list(table["mae"]) == pytest.approx([3.6, 4.0, 0.0])
    assert table.loc["ema", "mae_change"] == pytest.approx(4 / 3.6 - 1)
    assert table.loc["oracle", "rmse_change"] == -1
    assert list(table["n"]) == [5, 5, 5]


def test_table_of_named_compensators() -> None:
    table = estimation_table(hand_run(), {"quick": EmaConfig(alpha=1.0)})
    assert list(table["compensator"]) == ["quick"]
    assert not table["own"][0]


def test_confusion_by_hand() -> None:
    counts = confusion(hand_requests())
    assert list(counts.index) == list(counts.columns) == ["short", "medium", "long"]
    assert counts.to_numpy().tolist() == [[1, 1, 0], [2, 1, 0], [0, 0, 0]]
    assert misclassified_share(hand_requests()) == pytest.approx(3 / 5)
    assert np.isnan(misclassified_share(hand_requests().iloc[:0]))


def test_drift_is_actual_over_estimated_of_finished_requests() -> None:
    ratios = drift(hand_requests())
    assert ratios[:3] == pytest.approx([5 / 6, 9 / 4, 4 / 9])
    assert np.isnan(ratios[3:5]).all()
