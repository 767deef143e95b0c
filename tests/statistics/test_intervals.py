"""Confidence intervals: against scipy, and by how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from driftsched.results import mean_interval, paired_change


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 3, 30])
def test_interval_is_students(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).normal(10, 3, n)
    mean, low, high = mean_interval(values, confidence)
    expected = stats.t.interval(confidence, n - 1, values.mean(), stats.sem(values))
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(expected)


def test_interval_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    held = [
        low <= 5 <= high
        for _, low, high in (mean_interval(rng.normal(5, 2, 4)) for _ in range(4000))
    ]
    # Four standard errors of a share of 0.95 over 4000 trials.
    assert np.mean(held) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000))


def test_too_few_values() -> None:
    assert np.isnan(mean_interval([])).all()
    mean, low, high = mean_interval([3.0, np.nan])
    assert mean == 3
    assert np.isnan([low, high]).all()
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        mean_interval([1, 2], 95)


def test_pairing_removes_what_both_share() -> None:
    rng = np.random.default_rng(1)
    workload = rng.lognormal(3, 1, 8)
    change = paired_change(workload, 0.9 * workload * rng.normal(1, 0.01, 8))
    assert change.significant
    assert -0.12 < change.low < change.mean < change.high < -0.08
    assert change.n == 8


def test_verdicts() -> None:
    lower = paired_change([100, 100, 100], [64, 66, 68])
    assert lower.verdict("SJF's median") == "SJF's median is 29–39 % lower"
    higher = paired_change([100, 100, 100], [150.0, 150.1, 149.9])
    assert higher.verdict("Its P99") == "Its P99 is 50 % higher"
    unclear = paired_change([100, 100, 100], [99, 104, 98])
    assert not unclear.significant
    assert unclear.verdict() == "No difference can be told (95 % interval −7.7 % to +8.3 %)"
    one = paired_change([100], [80]).verdict("It")
    assert one == "It is 20 % lower in one replication; how far to trust it is not known"
    assert "no pair" in paired_change([np.nan], [1]).verdict()


def test_no_change_at_all_is_no_difference() -> None:
    same = paired_change([5, 6, 7], [5, 6, 7])
    assert not same.significant
    assert same.verdict().startswith("No difference can be told")


def test_pairs_that_cannot_be_compared_are_left_out() -> None:
    assert paired_change([0, 2, np.nan, 4], [1, 1, 1, 2]).n == 2
    with pytest.raises(ValueError, match="shape"):
        paired_change([1, 2], [1])
