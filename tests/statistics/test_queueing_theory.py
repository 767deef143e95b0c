"""Mean waits of a single constant-rate server against queueing theory, 99 % intervals over seeds.

Sources: Pollaczek-Khinchine for M/G/1, Cobham (1954) for non-preemptive priority.
"""

import numpy as np
import pytest
from scipy import stats

from driftsched.scenario import Scenario, parse_scenario
from driftsched.simulation import simulate
from tests.support.scenarios import small

SEEDS = range(24)
TOKEN_S = 0.002  # 500 tokens are one second of service
MEAN_TOKENS = 500


def single_server(rate: float, lengths: dict[str, object], **changes: object) -> Scenario:
    """A queue with one server whose service time is proportional to the output length."""
    base = small().model_dump(mode="json", by_alias=True, exclude_none=True)
    base["categories"][0] |= {
        "max_output_tokens": 30_000,
        "output_tokens": lengths,
        "prompt_tokens": {"kind": "constant", "tokens": 1},
    }
    base["phases"][0] |= {"requests": 20_000, "arrivals": {"kind": "poisson", "rate_rps": rate}}
    base |= {
        "engine": {"mode": "continuous", "batch_size": 1},
        "cluster": {"context_tokens": 100_000, "cost": {"kind": "constant", "token_s": TOKEN_S}},
    }
    return parse_scenario(base | changes)


def mean_waits(scenario: Scenario, tenant: str | None = None) -> list[float]:
    waits = []
    for seed in SEEDS:
        table = simulate(scenario.model_copy(update={"seed": seed})).requests
        chosen = table if tenant is None else table[table["tenant"] == tenant]
        waits.append(float(chosen["queue_wait_s"].mean()))
    return waits


def assert_within_99_percent(samples: list[float], expected: float) -> None:
    mean, error = np.mean(samples), stats.sem(samples)
    low, high = stats.t.interval(0.99, len(samples) - 1, loc=mean, scale=error)
    assert high - low < 0.2 * expected, "the interval is too wide to say anything"
    assert low <= expected <= high, f"theory {expected:.4f} s, simulated {low:.4f} to {high:.4f} s"


EXPONENTIAL = {"kind": "exponential", "mean_tokens": MEAN_TOKENS}
# Second moments of the service time in s², each with a mean of one second.
SERVICES = {
    "exponential": (EXPONENTIAL, 2.0),
    "deterministic": ({"kind": "constant", "tokens": MEAN_TOKENS}, 1.0),
    "uniform": ({"kind": "uniform", "low": 100, "high": 900}, 1 + 0.8**2 / 3),
    "gamma": ({"kind": "gamma", "shape": 0.5, "scale": 1000}, 3.0),
}


@pytest.mark.parametrize("mode", ["gang", "continuous"])
def test_m_m_1(mode: str) -> None:
    engine = {"mode": mode, "batch_size": 1, "batch_wait_s": 0}
    waits = mean_waits(single_server(0.7, EXPONENTIAL, engine=engine))
    assert_within_99_percent(waits, 0.7 / (1 - 0.7))


@pytest.mark.parametrize("service", ["deterministic", "uniform", "gamma"])
def test_m_g_1_pollaczek_khinchine(service: str) -> None:
    lengths, second_moment = SERVICES[service]
    rate = 0.6
    waits = mean_waits(single_server(rate, lengths))
    assert_within_99_percent(waits, rate * second_moment / (2 * (1 - rate)))


@pytest.mark.parametrize("service", ["exponential", "uniform"])
def test_priority_cobham(service: str) -> None:
    lengths, second_moment = SERVICES[service]
    rate = 0.7
    scenario = single_server(rate, lengths, policy={"kind": "priority"})
    residual = rate * second_moment / 2
    high, total = rate * 0.5, rate
    assert_within_99_percent(mean_waits(scenario, "a"), residual / (1 - high))
    assert_within_99_percent(mean_waits(scenario, "b"), residual / ((1 - high) * (1 - total)))


def test_littles_law_holds_exactly() -> None:
    """Mean number waiting = arrival rate × mean wait, over a run that starts and ends empty."""
    result = simulate(small())
    span = result.requests["finish_s"].max()
    for tenant, queue in result.queues.groupby("tenant", observed=True):
        times = queue["time_s"].to_numpy()
        area = float((queue["waiting"].to_numpy()[:-1] * np.diff(times)).sum())
        waits = result.requests.loc[result.requests["tenant"] == tenant, "queue_wait_s"]
        assert area / span == pytest.approx(len(waits) / span * waits.mean(), rel=1e-9)
