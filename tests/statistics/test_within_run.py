"""Intervals from one run: how often they hold the truth, and when there must be none."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from driftsched.results import WithinRun, within_intervals
from driftsched.results.within_run import BATCHES, Batches, independent
from driftsched.scenario import changed
from driftsched.simulation import simulate
from tests.support.scenarios import small

Floats = NDArray[np.float64]
EXPERIMENTS, REQUESTS, RHO = 200, 20_000, 0.5


def sojourns(rng: np.random.Generator, rho: float, runs: int, requests: int) -> Floats:
    """Times in an M/M/1 queue from empty on: Lindley's recursion, solved by running minima."""
    gaps = rng.exponential(1 / rho, (runs, requests))
    service = rng.exponential(1.0, (runs, requests))
    steps = np.zeros((runs, requests))
    steps[:, 1:] = service[:, :-1] - gaps[:, 1:]
    walk = steps.cumsum(axis=1)
    return walk - np.minimum.accumulate(np.minimum(walk, 0), axis=1) + service


def run_of(seconds: Floats) -> WithinRun:
    return WithinRun(pd.DataFrame({"status": "finished", "e2e_s": seconds}))


@pytest.fixture(scope="module")
def runs() -> list[WithinRun]:
    rng = np.random.default_rng(2027)
    return [run_of(one) for one in sojourns(rng, RHO, EXPERIMENTS, REQUESTS)]


@pytest.mark.parametrize("p", [None, 50, 90, 95, 99])
def test_intervals_of_one_run_hold_the_truth_as_often_as_they_say(
    runs: list[WithinRun], p: float | None
) -> None:
    """Requests queue behind each other: taken for independent they would promise far too much."""
    mean = 1 / (1 - RHO)
    truth = mean if p is None else -mean * np.log(1 - p / 100)
    found = [run.latency("e2e_s", p) for run in runs]
    given = [one for one in found if not np.isnan(one.low)]
    assert len(given) >= 0.95 * EXPERIMENTS
    held = np.mean([one.low <= truth <= one.high for one in given])
    assert 0.92 <= held <= 0.98


def test_share_of_one_run_holds_the_truth(runs: list[WithinRun]) -> None:
    """The share within 2 s of an exponential time is known too."""
    truth = 1 - np.exp(-2 * (1 - RHO))
    held = []
    for run in runs:
        hit = (run._column("e2e_s") <= 2).astype(np.float64)
        one = run.share(hit)
        held.append(one.low <= truth <= one.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_too_few_requests_have_no_interval() -> None:
    """3000 requests at 0.7 load tell as much as some 100: such intervals held 8 of 10 times."""
    rng = np.random.default_rng(3)
    for seconds in sojourns(rng, 0.7, 20, 3000):
        run = run_of(seconds)
        one = run.latency("e2e_s", 99)
        assert np.isnan([one.low, one.high]).all()
        assert one.value == np.quantile(seconds[run.warmup.cut :], 0.99)
    assert "less than 1,000 independent" in run.remark


def test_without_a_steady_state_there_is_no_interval() -> None:
    """A queue that grows to the end has no mean to be near to."""
    rng = np.random.default_rng(4)
    run = run_of(np.linspace(0, 500, 30_000) + rng.exponential(size=30_000))
    assert np.isnan(run.latency("e2e_s").low)
    assert "no steady state" in run.remark


def test_independent_requests_count_as_they_are() -> None:
    rng = np.random.default_rng(5)
    assert independent(rng.exponential(size=20_000)) == pytest.approx(20_000, rel=0.15)
    # an autoregressive series of correlation 0.9 tells 19 times less
    noise, series = rng.normal(size=40_000), np.empty(40_000)
    level = 0.0
    for k, step in enumerate(noise):
        series[k] = level = 0.9 * level + step
    assert independent(series) == pytest.approx(40_000 / 19, rel=0.35)
    assert independent(np.ones(100)) == 100
    assert independent(np.arange(10.0)) == 0


def test_neighbours_that_depend_widen_the_interval() -> None:
    rising = [np.full(50, level) for level in (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9)]
    mixed = [rising[k] for k in (5, 0, 8, 3, 6, 1, 9, 2, 7, 4)]
    wide, plain = (Batches(parts).mean() for parts in (rising, mixed))
    assert wide.n == plain.n == BATCHES
    assert wide.value == pytest.approx(plain.value)
    assert wide.high - wide.low > 1.5 * (plain.high - plain.low)


def test_a_long_run_of_a_scenario_has_intervals_that_hold_other_seeds() -> None:
    """What one run says of itself must agree with what many other runs say."""
    phase = {
        "name": "calm",
        "requests": 20_000,
        "arrivals": {"kind": "poisson", "rate_rps": 10},
        "mix": {"short_qa": 1},
    }
    calm = small(engine={"mode": "continuous", "batch_size": 8}, phases=[phase])
    others = np.concatenate(
        [simulate(changed(calm, seed=seed)).requests["e2e_s"].to_numpy() for seed in range(90, 96)]
    )
    run = simulate(calm)
    said = WithinRun(run.requests).in_words([99])
    assert re.search(r"End to end: mean [\d.]+ \([\d.]+–[\d.]+\) s, P50 .* s, P99 .* s\.", said)
    ends = within_intervals(run)
    for name, truth in (("mean", others.mean()), ("p50", np.median(others))):
        low, high = ends[f"{name}_e2el_ms"]
        assert low < 1e3 * truth < high, name
