"""The twin: a run simulated again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import InputError, UnknownNameError
from driftsched.experiments.twin import build_twin
from driftsched.live.calibration import calibrate_run
from driftsched.results import RunResult
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from tests.support.live_runs import crowd, options
from tests.support.virtual_time import virtual_run


def simulated(mode: str, unit: str = "words", policy: str = "sjf", *changes: str) -> RunResult:
    return simulate(
        load_scenario(
            "paper",
            [
                "phases.0.requests=60",
                "phases.1.requests=100",
                f"engine.mode={mode}",
                "engine.batch_size=8",
                f"estimator.unit={unit}",
                f"policy.kind={policy}",
                "cluster.cost={kind: coefficients, overhead_s: 0.002, weights_s: 0.02, "
                "token_s: 0.0002, kv_token_s: 1.0e-7}",
                *changes,
            ],
        )
    )


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("unit", ["words", "tokens"])
def test_the_twin_of_a_simulated_run_is_that_run(mode: str, unit: str) -> None:
    """Else the difference between a live run and its twin would partly be the twin's own doing."""
    run = simulated(mode, unit)
    twin = build_twin(run, run.scenario.cluster.cost)
    pd.testing.assert_frame_equal(
        twin.twin.requests.drop(columns="actual_size_class"),
        run.requests.drop(columns="actual_size_class"),
    )
    assert (twin.errors()["error"] == 0).all()
    assert twin.queue_error()["mean_difference"] == 0


def test_what_would_it_have_been_is_what_it_would_have_been() -> None:
    """Else the re-simulation under another policy would answer a different question."""
    fifo, sjf = (simulated("continuous", policy=kind) for kind in ("fifo", "sjf"))
    twin = build_twin(fifo, fifo.scenario.cluster.cost, policies=["sjf", "fifo"])
    assert list(twin.others) == ["sjf"]
    assert twin.others["sjf"].scenario.policy.kind == "sjf"
    theirs = twin.others["sjf"].requests["e2e_s"].median()
    assert theirs == pytest.approx(sjf.requests["e2e_s"].median(), rel=0.1)
    assert theirs < fifo.requests["e2e_s"].median()


def test_a_calibrated_twin_of_another_run_is_close() -> None:
    """Else calibration and twin would only agree with the run they come from."""
    cost = calibrate_run(simulated("continuous", policy="fifo")).cost()
    twin = build_twin(simulated("continuous", "words", "sjf", "seed=7"), cost)
    assert twin.errors()["error"].abs().max() < 0.01


def test_handover_keeps_places_taken_for_longer() -> None:
    """Else a gateway in front of an engine, which loses an iteration a request, would look slow."""
    run = simulated("continuous")
    cost = run.scenario.cluster.cost
    plain = build_twin(run, cost).twin.requests
    late = build_twin(run, cost, handover_iterations=1).twin.requests
    assert (late["output_tokens"] == plain["output_tokens"]).all()
    assert late["finish_s"].max() > plain["finish_s"].max()
    # A request's own decoding takes as long as before.
    np.testing.assert_allclose(late["tpot_s"].median(), plain["tpot_s"].median(), rtol=0.05)


def test_requests_that_did_not_finish_are_left_out_and_counted() -> None:
    """Else a failed request would be simulated with an invented length."""
    run = simulated("continuous")
    requests = run.requests.copy()
    requests.loc[[3, 9], "status"] = "failed"
    twin = build_twin(replace(run, requests=requests), run.scenario.cluster.cost)
    assert twin.left_out == 2
    assert len(twin.twin.requests) == len(twin.live.requests) == len(requests) - 2
    requests["status"] = pd.Categorical(
        ["failed"] * len(requests), categories=requests["status"].cat.categories
    )
    with pytest.raises(InputError, match="must have a finished request"):
        build_twin(replace(run, requests=requests), run.scenario.cluster.cost)


def test_impatient_clients_are_where_they_were_in_the_engine() -> None:
    """Else those who left it, or tried again, would be missing in the twin, or leave it anew."""
    live = virtual_run(crowd(requests=120), options(slots=1), 0.04)
    status = live.requests["status"].value_counts()
    assert status["timed_out"] > status["finished"] > 30
    calibration = calibrate_run(live)
    assert calibration.fit["p90_relative_error"] < 1e-6
    twin = build_twin(live, calibration.cost(), policies=["sjf"])
    assert twin.errors()["error"].abs().max() < 1e-6
    assert twin.left_out == status["timed_out"]
    assert len(twin.others["sjf"].requests) == len(twin.twin.requests) == status["finished"]
    assert (twin.others["sjf"].requests["status"] == "finished").all()


def test_an_unknown_policy_is_refused() -> None:
    """Else a spelling mistake would leave a policy out silently."""
    run = simulated("continuous")
    with pytest.raises(UnknownNameError, match="policy must be one of"):
        build_twin(run, run.scenario.cluster.cost, policies=["sfj"])
