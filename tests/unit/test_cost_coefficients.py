"""Measured coefficients as a cost model of any scenario."""

from __future__ import annotations

import pytest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import from_yaml, to_yaml
from driftsched.serving import GPUS, MODELS
from driftsched.simulation import simulate
from tests.support.scenarios import small

MEASURED = {
    "kind": "coefficients",
    "overhead_s": 0.001,
    "weights_s": 0.06,
    "token_s": 0.002,
    "kv_token_s": 1e-6,
    "attention_s": 1e-7,
    "provenance": "a probe",
}


def test_coefficients_reach_the_simulator_unchanged() -> None:
    """Else a calibrated scenario would run at the data sheet's speed, or at a scaled one."""
    scenario = small(cluster={"cost": MEASURED})
    cost = scenario.cluster.cost.build(GPUS["H100"], MODELS["llama-3-8b"])
    assert cost.iteration(1, 100, 0) == pytest.approx(
        0.001 + (0.06**2 + 0.002**2) ** 0.5 + 1e-6 * 100
    )
    assert from_yaml(to_yaml(scenario)) == scenario
    requests = simulate(scenario).requests
    assert (requests["tpot_s"].dropna() > 0.06).all()


def test_coefficients_that_take_no_time_are_refused() -> None:
    """Else a simulated iteration could take no time and a run would never move on."""
    free = MEASURED | {"overhead_s": 0, "weights_s": 0, "token_s": 0}
    with pytest.raises(ScenarioError, match="one of overhead_s, weights_s and token_s must be > 0"):
        small(cluster={"cost": free})
