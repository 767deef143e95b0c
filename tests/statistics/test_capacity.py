"""Capacity and counts of servers against queueing theory."""

import pytest

from driftsched.experiments.capacity import capacity
from driftsched.experiments.fleet import fewest_gpus
from driftsched.experiments.goal import Goal
from driftsched.scenario import changed
from tests.statistics.test_cluster_theory import erlang_wait
from tests.statistics.test_queueing_theory import EXPONENTIAL, single_server


def goal(wait_s: float) -> Goal:
    return Goal("mean_queue_wait_ms", 1e3 * wait_s)


def test_highest_load_of_m_m_1() -> None:
    """A mean wait of W service times is met up to ρ = W / (1 + W), from whatever load it starts."""
    found = [
        capacity(changed(single_server(rate, EXPONENTIAL), seed=100 * n), goal(4.0)).of(rate / 0.8)
        for n, rate in enumerate((0.3, 0.5, 0.79, 0.95))
    ]
    assert all(one.value == pytest.approx(1.0, rel=0.03) for one in found)
    assert sum(one.low <= 1.0 <= one.high for one in found) >= 3
    assert all(one.high - one.low <= 0.04 * one.value for one in found)


@pytest.mark.parametrize("servers", [4, 5])
def test_fewest_servers_of_m_m_c(servers: int) -> None:
    """Erlang's formula says how many; a goal between two counts leaves no doubt which."""
    rate = 2.2
    enough, too_few = erlang_wait(rate, servers), erlang_wait(rate, servers - 1)
    base = single_server(rate, EXPONENTIAL)
    (found,) = fewest_gpus(base, goal((enough * too_few) ** 0.5), {"L4": 0.7}, seeds=8)
    assert (found.replicas, found.least, found.gpus) == (servers, servers, servers)
    assert found.price_per_hour == pytest.approx(0.7 * servers)
    assert found.growth is not None and found.growth.low >= 1
    assert found.longer is not None and found.longer.low >= 1
