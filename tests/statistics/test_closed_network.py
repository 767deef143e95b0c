"""A closed loop against exact mean value analysis (Reiser and Lavenberg 1980), 99 % intervals."""

import pytest

from driftsched.simulation import simulate
from tests.statistics.test_queueing_theory import (
    EXPONENTIAL,
    assert_within_99_percent,
    single_server,
)

SERVICE_S = 1.0
SEEDS = range(10)


def mean_response_s(users: int, think_s: float) -> float:
    """Exact MVA of one FIFO station with exponential service and a delay station."""
    waiting, response = 0.0, 0.0
    for population in range(1, users + 1):
        response = SERVICE_S * (1 + waiting)
        waiting = population / (think_s + response) * response
    return response


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize(("users", "think_s"), [(3, 2.0), (8, 10.0)])
def test_response_of_a_closed_network(mode: str, users: int, think_s: float) -> None:
    """Users told of their answers too late or too early would move the mean response."""
    think = {"kind": "exponential", "mean_s": think_s}
    phase = {
        "name": "only",
        "requests": 6000,
        "arrivals": {"kind": "closed_loop", "users": users, "think": think},
        "mix": {"short_qa": 1},
    }
    engine = {"mode": mode, "batch_size": 1, "batch_wait_s": 0}
    scenario = single_server(1.0, EXPONENTIAL, phases=[phase], engine=engine)
    responses = [
        float(simulate(scenario.model_copy(update={"seed": seed})).requests["e2e_s"].mean())
        for seed in SEEDS
    ]
    assert_within_99_percent(responses, mean_response_s(users, think_s))
