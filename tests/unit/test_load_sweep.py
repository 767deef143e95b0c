"""Latency against load: the sweep's rows, its knee, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from driftsched.experiments.load_sweep import knee, knee_interval, load_sweep
from driftsched.results import PooledSample
from driftsched.scenario import load_scenario, with_policy
from driftsched.simulation.compiled import warm_up

LOADS = (0.2, 0.4, 0.6, 0.8)
SMALL = ["phases.0.requests=60", "phases.1.requests=140"]


def pools(rng: np.random.Generator, means: tuple[float, ...], noise: float) -> list[PooledSample]:
    """Six replications at each load, the same requests at all loads."""
    base = [rng.exponential(size=400) for _ in range(6)]
    return [
        PooledSample([mean * part * rng.lognormal(0, noise) for part in base]) for mean in means
    ]


def test_a_sharp_knee_is_told_from_its_neighbours() -> None:
    """Half the latency at three quarters of the load: nobody could mistake where the knee is."""
    means = (1.0, 1.1, 1.2, 4.0)
    at = knee(LOADS, means)
    assert at == 2
    found = pools(np.random.default_rng(1), means, 0.01)
    assert knee_interval(LOADS, found, 50, at) == (0.6, 0.6)


def test_loads_of_like_power_are_in_the_knees_interval() -> None:
    """Power is all but the same at 0.4, 0.6 and 0.8: to name one knee would be false precision."""
    means = (1.0, 1.0, 1.49, 2.01)
    found = pools(np.random.default_rng(2), means, 0.05)
    assert knee_interval(LOADS, found, 50, 1) == (0.4, 0.8)


def test_one_replication_knows_no_interval() -> None:
    single = [PooledSample([[mean, 2 * mean]]) for mean in (1.0, 1.1, 1.2, 4.0)]
    assert np.isnan(knee_interval(LOADS, single, 50, 2)).all()


def test_a_sweep_has_a_row_for_each_policy_and_load_and_one_knee() -> None:
    warm_up()
    scenario = load_scenario("paper-continuous", SMALL)
    variants = {name: with_policy(scenario, name) for name in ("fifo", "sjf")}
    frame = load_sweep(variants, 3, utilisations=LOADS)
    assert list(zip(frame["policy"], frame["utilisation"], strict=True)) == [
        (policy, load) for load in LOADS for policy in variants
    ]
    assert (frame["value_s"] > 0).all()
    assert frame["load"].to_numpy() == pytest.approx(
        frame["utilisation"] / frame["utilisation"][0] * frame["load"][0]
    )
    for _, mine in frame.groupby("policy"):
        marked = mine[mine["knee"]]
        assert len(marked) <= 1
        assert (marked["knee_low"] <= marked["utilisation"]).all()
        assert (marked["utilisation"] <= marked["knee_high"]).all()
