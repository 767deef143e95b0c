"""Intervals over replications: how often they hold the truth, and what they are made of."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from driftsched.experiments import Figures, run_ensemble
from driftsched.experiments.load import peak_rho
from driftsched.results import (
    PooledSample,
    advice,
    mser5,
    paired_pool_change,
    replications_needed,
    replications_of,
)
from driftsched.scenario import load_scenario, with_load, with_policy
from driftsched.simulation.compiled import warm_up

Floats = NDArray[np.float64]

EXPERIMENTS = 200
REPLICATIONS = 10
REQUESTS = 4000
WARMUP = 500
RHO = 0.7


def sojourns(rng: np.random.Generator, replications: int, requests: int) -> Floats:
    """Times in an M/M/1 queue from empty on, by Lindley's recursion; (replications, requests)."""
    gaps = rng.exponential(1 / RHO, (replications, requests))
    service = rng.exponential(1.0, (replications, requests))
    wait = np.zeros((replications, requests))
    for k in range(1, requests):
        wait[:, k] = np.maximum(0, wait[:, k - 1] + service[:, k - 1] - gaps[:, k])
    return wait + service


@pytest.fixture(scope="module")
def experiments() -> Floats:
    rng = np.random.default_rng(2026)
    runs = sojourns(rng, EXPERIMENTS * REPLICATIONS, WARMUP + REQUESTS)[:, WARMUP:]
    return runs.reshape(EXPERIMENTS, REPLICATIONS, REQUESTS)


def truth(p: float | None) -> float:
    """The time in an M/M/1 system is exponential with mean 1 / (1 − ρ)."""
    mean = 1 / (1 - RHO)
    return mean if p is None else -mean * np.log(1 - p / 100)


@pytest.mark.parametrize("p", [None, 50, 90, 95, 99])
def test_intervals_hold_the_truth_as_often_as_they_say(
    experiments: Floats, p: float | None
) -> None:
    """An interval that is too narrow sells noise as a finding; one too wide hides findings."""
    pools = [PooledSample(list(runs)) for runs in experiments]
    found = [pool.mean() if p is None else pool.percentile(p) for pool in pools]
    held = np.mean([estimate.low <= truth(p) <= estimate.high for estimate in found])
    assert 0.92 <= held <= 0.98


@pytest.mark.parametrize("p", [None, 50, 99])
def test_change_intervals_hold_no_change_between_equal_systems(
    experiments: Floats, p: float | None
) -> None:
    """Two systems of one kind must be told apart in about 5 % of all experiments, not more."""
    half = EXPERIMENTS // 2
    told = [
        paired_pool_change(PooledSample(list(one)), PooledSample(list(other)), p).significant
        for one, other in zip(experiments[:half], experiments[half:], strict=True)
    ]
    assert np.mean(told) <= 0.11


@pytest.mark.parametrize("load", [0.6, 0.9])
@pytest.mark.parametrize(("policy", "p"), [("sjf", None), ("sjf", 99), ("weighted", 99)])
def test_change_intervals_hold_the_change_between_real_policies(
    pairs: dict[float, dict[str, list[Floats]]], load: float, policy: str, p: float | None
) -> None:
    """Near saturation a few replications are far off: the interval must not hide that they are."""
    fifo, other = pairs[load]["fifo"], pairs[load][policy]
    whole = [PooledSample(runs).figure(p) for runs in (fifo, other)]
    rng, held = np.random.default_rng(1), 0
    for _ in range(100):
        some = rng.choice(len(fifo), 10, replace=False)
        before, after = (PooledSample([runs[n] for n in some]) for runs in (fifo, other))
        change = paired_pool_change(before, after, p)
        held += change.low <= whole[1] / whole[0] - 1 <= change.high
    assert held >= 86


@pytest.fixture(scope="module")
def pairs() -> dict[float, dict[str, list[Floats]]]:
    """Latencies by load and policy, 200 replications on the same requests."""
    found = {}
    busy = load_scenario("busy-gpu")
    rho = peak_rho(busy)
    assert rho is not None
    for load in (0.6, 0.9):
        scenario = with_load(busy, load / rho)
        variants = {kind: with_policy(scenario, kind) for kind in ("fifo", "sjf", "weighted")}
        runs = run_ensemble(variants, 200).runs
        found[load] = {kind: [run.seconds("e2e_s") for run in mine] for kind, mine in runs.items()}
    return found


def test_percentile_is_that_of_all_requests_together() -> None:
    """The mean of the replications' percentiles would be another number."""
    rng = np.random.default_rng(1)
    samples = [rng.lognormal(size=n) for n in (10, 100, 1000)]
    pool = PooledSample(samples)
    for p in (50, 99):
        assert pool.percentile(p).value == np.quantile(np.concatenate(samples), p / 100)
    assert pool.mean().value == pytest.approx(np.concatenate(samples).mean())


def test_mean_of_equal_replications_is_students() -> None:
    """With equally many requests the ratio's interval is the plain one of the means."""
    samples = np.random.default_rng(3).normal(10, 2, (6, 50))
    means = samples.mean(axis=1)
    low, high = stats.t.interval(0.95, 5, means.mean(), stats.sem(means))
    estimate = PooledSample(list(samples)).mean()
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


def test_band_contains_the_curve_and_stays_a_share() -> None:
    samples = np.random.default_rng(4).exponential(size=(5, 200))
    bounds = np.linspace(0, 8, 40)
    share, low, high = PooledSample(list(samples)).share_under(bounds)
    assert ((low >= 0) & (low <= share) & (share <= high) & (high <= 1)).all()
    assert (np.diff(share) >= 0).all()


def test_too_few_replications_have_no_interval() -> None:
    """One run says nothing about how runs differ."""
    for pool in (PooledSample([[1.0, 2.0]]), PooledSample([[1.0, 2.0], [np.nan]])):
        estimate = pool.percentile(50)
        assert estimate.value == 1.5
        assert np.isnan([estimate.low, estimate.high]).all()
        assert replications_needed(estimate) is None
    assert np.isnan(PooledSample([]).mean().value)
    assert np.isnan(paired_pool_change(PooledSample([]), PooledSample([]), 50).mean)


def test_pairing_needs_the_same_seeds() -> None:
    with pytest.raises(ValueError, match="replications"):
        paired_pool_change(PooledSample([[1.0]]), PooledSample([[1.0], [2.0]]))


def test_pairing_removes_what_both_share() -> None:
    rng = np.random.default_rng(5)
    sizes = rng.lognormal(3, 1, 8)
    before = [size * rng.exponential(size=500) for size in sizes]
    after = PooledSample([0.9 * part for part in before])
    change = paired_pool_change(PooledSample(before), after, 90)
    assert (change.low, change.mean, change.high) == pytest.approx((-0.1, -0.1, -0.1))


def test_advice_is_enough_when_followed(experiments: Floats) -> None:
    """Who follows the advice must come near the precision that was asked for."""
    pilot = PooledSample(list(experiments[0]))
    needed = replications_of(pilot, 99, 0.03)
    assert needed is not None
    rest = experiments.reshape(-1, REQUESTS)[:needed]
    assert PooledSample(list(rest)).percentile(99).precision == pytest.approx(0.03, rel=0.5)
    assert f"needs about {needed:,}" in advice(pilot, 99, "P99", 0.03)
    with pytest.raises(ValueError, match="precision must be > 0, got 0"):
        replications_needed(pilot.percentile(99), 0)


def test_advice_is_right_on_average_when_followed_in_a_scenario() -> None:
    """Each visitor has another first ten seeds: some need more than told, some less, not all."""
    warm_up()
    scenario = load_scenario("azure-conversation")
    runs = Figures(run_ensemble({"fifo": scenario}, 160)).latencies("fifo", "e2e_s")
    reached = []
    for first in range(0, 80, 10):
        needed = replications_of(PooledSample(runs[first : first + 10]), 99, 0.04)
        assert needed is not None
        reached.append(PooledSample(runs[80 : 80 + needed]).percentile(99).precision / 0.04)
    assert np.median(reached) == pytest.approx(1, abs=0.25)
    assert max(reached) < 2


def test_a_tail_that_is_not_bounded_gets_advice_all_the_same() -> None:
    """Whoever needs more replications most would be told nothing."""
    rng = np.random.default_rng(8)
    pool = PooledSample([level * rng.exponential(size=300) for level in (1, 1, 1, 2)])
    assert np.isinf(pool.percentile(99).high)
    said = advice(pool, 99, "P99")
    assert said.startswith("4 replications are too few to bound P99; ±5 % needs about ")
    assert pool.jackknife(99).low < pool.percentile(99).value < pool.jackknife(99).high


def test_jackknife_of_the_mean_is_students() -> None:
    samples = np.random.default_rng(9).normal(10, 2, (6, 50))
    low, high = stats.t.interval(0.95, 5, samples.mean(), stats.sem(samples.mean(axis=1)))
    found = PooledSample(list(samples)).jackknife(None)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_warmup_of_a_queue_that_starts_full_is_cut() -> None:
    """Requests that found a long queue at the start would spoil the mean for ever."""
    rng = np.random.default_rng(6)
    series = np.concatenate([np.linspace(200, 3, 400), rng.exponential(3, 4000)])
    found = mser5(series)
    assert found.settled
    assert 300 <= found.cut <= 500
    assert series[found.cut :].mean() == pytest.approx(3, rel=0.1)


def test_a_growing_queue_has_no_steady_state() -> None:
    assert not mser5(np.arange(1000.0)).settled
    assert not mser5([1.0] * 10).settled


def test_steady_series_loses_little() -> None:
    cut = mser5(np.random.default_rng(7).exponential(size=5000))
    assert cut.settled
    assert cut.cut <= 500


def test_gaps_in_a_series_do_not_move_the_cut() -> None:
    series = np.concatenate([np.full(100, 50.0), np.tile([1.0, 2.0], 1000)])
    holes = series.copy()
    holes[::7] = np.nan
    holes[500:520] = np.nan
    assert mser5(holes).cut == mser5(series).cut == 100
