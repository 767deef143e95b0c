"""Calibration: known coefficients come back from what a run shows of itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftsched.core.errors import InputError, RunError
from driftsched.live import Answer, Call, EngineFacts
from driftsched.live.calibration import calibrate, calibrate_run
from driftsched.live.cost_fit import COEFFICIENTS
from driftsched.live.engine import EngineError
from driftsched.live.hardware_entry import entry_of, read_entry, write_entry
from driftsched.live.iteration_log import IterationGroup, Stretch
from driftsched.live.observations import Observations, observe_run
from driftsched.live.probe import ProbePlan, probe
from driftsched.live.torch_engine import TorchEngine
from driftsched.results import RunResult
from driftsched.scenario import load_scenario, parse_scenario
from driftsched.simulation import simulate
from tests.live.models import tiny

KNOWN = {
    "overhead_s": 0.002,
    "weights_s": 0.012,
    "token_s": 1e-4,
    "kv_token_s": 2e-7,
    "attention_s": 3e-8,
    "request_s": 3e-4,
    "prompt_s": 1e-3,
}


def simulated(mode: str, *changes: str, cost: dict[str, float] = KNOWN) -> RunResult:
    return simulate(
        load_scenario(
            "paper",
            [
                "phases.0.requests=150",
                "phases.1.requests=250",
                f"engine.mode={mode}",
                "engine.batch_size=8",
                "categories.0.prompt_tokens={kind: uniform, low: 5, high: 900}",
                f"cluster.cost={json.dumps({'kind': 'coefficients', **cost})}",
                *changes,
            ],
        )
    )


def test_continuous_batching_gives_its_coefficients_back() -> None:
    """Else the fit, or the counting of iterations between tokens, would be wrong."""
    found = calibrate_run(simulated("continuous"))
    for name in COEFFICIENTS:
        assert found.coefficients[name] == pytest.approx(KNOWN[name], rel=1e-3), name
    assert found.fit["r2"] > 1 - 1e-9
    assert found.handover_iterations == 0


def test_gangs_give_their_times_back() -> None:
    """Else the paper's batching could not be calibrated; few gangs leave the split open."""
    run = simulated("gang")
    found = calibrate_run(run)
    assert found.fit["p90_relative_error"] < 0.01
    seconds = run.requests["finish_s"].max() - run.requests["arrival_s"].min()
    again = simulated("gang", cost=dict(found.coefficients)).requests
    assert again["finish_s"].max() - again["arrival_s"].min() == pytest.approx(seconds, rel=0.01)


def test_several_replicas_are_told_apart() -> None:
    """Else requests of one replica would be counted into the iterations of another."""
    found = calibrate_run(simulated("continuous", "cluster.replicas=2"))
    assert found.coefficients["weights_s"] + found.coefficients["overhead_s"] == pytest.approx(
        0.014, rel=0.01
    )
    assert found.fit["median_relative_error"] < 1e-3


def test_noise_and_stalls_do_not_bend_the_fit() -> None:
    """Else one garbage collection would make the calibrated engine slower."""
    clean = observe_run(simulated("continuous"))
    rng = np.random.default_rng(1)
    seconds = clean.stretches["seconds"].to_numpy() * rng.normal(1.0, 0.03, len(clean))
    seconds[rng.choice(len(clean), 12, replace=False)] *= 20
    noisy = replace(clean, stretches=clean.stretches.assign(seconds=seconds))
    found, exact = calibrate(noisy), calibrate(clean)
    predicted, truth = (one.residuals["predicted_s"].to_numpy() for one in (found, exact))
    assert np.abs(predicted / truth - 1).mean() < 0.03


def test_coefficients_are_never_negative() -> None:
    """Else a simulated iteration could take negative time."""
    rng = np.random.default_rng(2)
    rows = [
        Stretch(0.0, float(rng.uniform(0.01, 0.02)), float(kv), 0.0, [IterationGroup(1, n, n)])
        for n in range(1, 9)
        for kv in (4000, 100)
    ]
    assert all(value >= 0 for value in calibrate(Observations.of(rows)).coefficients.values())


def test_an_iteration_always_costs_something() -> None:
    """Else a short run whose time goes with the cache would give an engine nothing can use."""
    kv = np.array([500.0, 1300.0, 800.0, 1200.0, 600.0, 1100.0, 900.0, 700.0])
    rows = [Stretch(0.0, 1e-5 * cache, cache, 0.0, [IterationGroup(1, 4, 4)]) for cache in kv]
    found = calibrate(Observations.of(rows))
    assert found.cost().overhead_s + found.cost().weights_s + found.cost().token_s > 0
    assert found.residuals["predicted_s"].sum() == pytest.approx(1e-5 * kv.sum())


def test_too_little_to_calibrate_from_is_refused() -> None:
    """Else seven coefficients would be made up from three numbers."""
    one = simulated("continuous", "phases.0.requests=1", "phases.1.requests=1")
    with pytest.raises(InputError, match="at least 8"):
        calibrate_run(one)


def test_an_entry_is_usable_in_any_scenario(tmp_path: Path) -> None:
    """Else a calibration could be admired but not simulated with."""
    calibration = calibrate_run(simulated("continuous"))
    path = tmp_path / "engines" / "mine.yaml"
    write_entry(entry_of(calibration), path)
    entry = read_entry(path)
    assert entry == entry_of(calibration)
    assert "median error" in entry.cost.provenance
    scenario = load_scenario("paper")
    data = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    data["cluster"]["cost"] = entry.cost.model_dump(mode="json")
    assert parse_scenario(data).cluster.cost == entry.cost


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cost: {kind: coefficients, overhead_s: -1, weights_s: 0, token_s: 0}", "cost.overhead_s"),
        ("cost: [", "is not YAML"),
        ("speed: 3", "cost"),
    ],
)
def test_a_broken_entry_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    """Else a typing error would be a traceback, or be simulated."""
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_entry(path)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_entry(tmp_path / "none.yaml")


def test_a_probe_measures_a_real_engine() -> None:
    """Else a machine could not be calibrated before its first run."""
    plan = ProbePlan(batch=4, prompt_words=(10, 60), output_tokens=(4, 6, 8, 12))
    shares: list[float] = []
    found, facts = asyncio.run(probe(TorchEngine(tiny()), plan, shares.append))
    assert shares[-1] == 1
    assert facts.kind == "torch"
    assert "random Llama" in found.source
    assert sum(found.coefficients.values()) > 0
    assert set(found.residuals["requests"].round()) >= {1.0, 4.0}


class Refusing:
    """An engine that opens and then refuses every call."""

    closed = False

    async def open(self) -> EngineFacts:
        return EngineFacts(kind="refusing", model="none")

    async def generate(self, call: Call, on_token: Any) -> Answer:
        raise EngineError("out of memory")

    async def close(self) -> None:
        self.closed = True


def test_a_probe_that_fails_says_why_and_closes_the_engine() -> None:
    """Else an engine would stay loaded after an error, and its reason be lost in a group."""
    engine: Any = Refusing()
    with pytest.raises(RunError, match="call 0 failed: out of memory"):
        asyncio.run(probe(engine, ProbePlan(batch=2)))
    assert engine.closed
