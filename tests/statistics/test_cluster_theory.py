"""Several servers and many places against queueing theory, 99 % intervals over seeds.

Sources: Erlang (1917) for M/M/c, Phipps (1956) for shortest job first, Kleinrock (1967) for
processor sharing, Little (1961).
"""

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import integrate

from driftsched.scenario import Scenario
from driftsched.simulation import simulate
from tests.statistics.test_queueing_theory import (
    EXPONENTIAL,
    SEEDS,
    assert_within_99_percent,
    mean_waits,
    single_server,
)
from tests.support.scenarios import scenarios


def erlang_wait(rate: float, servers: int) -> float:
    """Mean wait of M/M/c with a mean service time of one second."""
    terms = [rate**k / factorial(k) for k in range(servers)]
    last = rate**servers / factorial(servers) / (1 - rate / servers)
    return last / (sum(terms) + last) / (servers - rate)


@pytest.mark.parametrize(("servers", "rate"), [(2, 1.4), (4, 3.2)])
def test_m_m_c(servers: int, rate: float) -> None:
    """Replicas that drew from the central queue too late or out of turn would make longer waits."""
    base = single_server(rate, EXPONENTIAL)
    cluster = base.cluster.model_copy(update={"replicas": servers})
    waits = mean_waits(base.model_copy(update={"cluster": cluster}))
    assert_within_99_percent(waits, erlang_wait(rate, servers))


def test_shortest_job_first() -> None:
    """Phipps (1956): E[W] = λE[S²]/2 · E[1/(1 − ρ(S))²], ρ(s) the load of jobs up to s."""
    rate = 0.7
    estimator = {"unit": "tokens", "compensator": {"kind": "oracle"}}
    scenario = single_server(rate, EXPONENTIAL, policy={"kind": "sjf"}, estimator=estimator)

    def integrand(s: float) -> float:
        load = rate * (1 - (1 + s) * np.exp(-s))
        return float(np.exp(-s) / (1 - load) ** 2)

    expected = rate * 2 / 2 * integrate.quad(integrand, 0, np.inf)[0]
    assert_within_99_percent(mean_waits(scenario), expected)


def test_processor_sharing() -> None:
    """With room for all and iterations as long as there are requests, the mean time is S/(1 − ρ).

    It does not depend on the spread of the lengths; first come first served would take 3.25 s here.
    """
    rate = 0.6
    cost = {"kind": "coefficients", "overhead_s": 0, "weights_s": 0, "token_s": 0.02}
    cluster = {"context_tokens": 100_000, "memory_utilisation": 1, "gpu": "B200", "cost": cost}
    lengths = {"kind": "gamma", "shape": 0.5, "scale": 100}
    engine = {"mode": "continuous", "batch_size": 10_000}
    scenario = single_server(rate, lengths, engine=engine, cluster=cluster)
    times = []
    for seed in SEEDS:
        table = simulate(scenario.model_copy(update={"seed": seed})).requests
        times.append(float(table["e2e_s"].mean()))
    # The share is taken in whole iterations, and a newcomer waits for the one under way.
    assert np.mean(times) == pytest.approx(1 / (1 - rate), rel=0.05)


@settings(max_examples=50)
@given(scenarios())
def test_littles_law_on_every_run(scenario: Scenario) -> None:
    """L = λW, exactly: the area under the queue curve is the sum of the waits, for each tenant."""
    result = simulate(scenario, engine="simpy")
    requests = result.requests[result.requests["status"] == "finished"]
    for tenant, queue in result.queues.groupby("tenant", observed=True):
        gaps = np.diff(queue["time_s"].to_numpy())
        mine = requests[requests["tenant"] == tenant]
        spent = {"waiting": mine["queue_wait_s"], "running": mine["e2e_s"] - mine["queue_wait_s"]}
        for name, times in spent.items():
            area = float((queue[name].to_numpy()[:-1] * gaps).sum())
            assert area == pytest.approx(float(times.sum()), rel=1e-9, abs=1e-9)
