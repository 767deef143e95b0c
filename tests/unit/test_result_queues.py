"""Sampling the exact queue table."""

import numpy as np
import pandas as pd
import pytest

from driftsched.results import even_times, sample_queues
from driftsched.results.queues import queue_table
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.support.littles_law import littles_law
from tests.unit.results_data import hand_queues, hand_requests, hand_run, hand_scenario


def test_samples_by_hand() -> None:
    # The last row at an instant holds from it on; before the first row a queue is empty.
    waiting = sample_queues(hand_queues(), [-1, 0, 0.5, 1.9, 2.0, 2.5, 3.9, 5.5, 99])
    assert list(waiting["a"]) == [0, 0, 0, 1, 1, 0, 0, 2, 0]
    assert list(waiting["b"]) == [0, 0, 1, 1, 2, 1, 1, 0, 0]
    assert list(waiting["(total)"]) == [0, 0, 1, 2, 3, 1, 1, 2, 0]
    assert waiting.index.name == "time_s"


def test_times_may_come_in_any_order() -> None:
    waiting = sample_queues(hand_queues(), [2.0, 0.5])
    assert list(waiting["b"]) == [2, 1]


def test_no_rows_is_no_queue() -> None:
    waiting = sample_queues(hand_queues().iloc[:0], [0, 1])
    assert waiting.to_numpy().tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_hand_made_queues_are_those_of_the_hand_made_requests() -> None:
    pd.testing.assert_frame_equal(queue_table(hand_scenario(), hand_requests()), hand_queues())


def test_even_times() -> None:
    assert list(even_times(1.0, 0.5)) == [0, 0.5, 1.0]
    assert len(even_times(0.6, 0.2)) == 4
    assert list(even_times(-1, 1)) == [0]
    for step in (0, -1, float("nan"), 1e-9):
        with pytest.raises(ValueError, match="step_s"):
            even_times(10, step)


@pytest.mark.parametrize("mode", ["gang", "continuous"])
def test_littles_law_holds_in_a_real_run(mode: str) -> None:
    changes = ["phases.0.requests=100", "phases.1.requests=200", f"engine.mode={mode}"]
    table = littles_law(simulate(load_scenario("paper", changes)))
    assert (table["mean_waiting"] > 0).all()
    np.testing.assert_allclose(table["mean_waiting"], table["rate_times_wait"], rtol=1e-9)


def test_littles_law_by_hand() -> None:
    table = littles_law(hand_run()).set_index("tenant")
    assert table.loc["b", "mean_waiting"] == pytest.approx((2 + 2) / 8)
    assert table.loc["a", "rate_times_wait"] == pytest.approx((0 + 1.5 + 1 + 0.8) / 8)
