"""Load over time and what it means, in words; and whether a run bears it out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.simulation import simulate
from driftsched.workload import (
    arrival_preview,
    drift_preview,
    findings,
    generate,
    load_over_time,
    preview_marks,
    rate_preview,
    stretches_frame,
)


def served(*phases: dict[str, Any], **fields: Any) -> Scenario:
    """One server of constant rate that serves exactly 10 requests a second."""
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    data["cluster"]["cost"] = {"kind": "constant", "token_s": 0.002}
    data["engine"] = {"mode": "continuous", "batch_size": 1}
    for category in data["categories"]:
        category |= {"max_output_tokens": 500, "output_tokens": {"kind": "constant", "tokens": 50}}
    base = {"mix": {"report": 1}, "duration_s": 100}
    data["phases"] = [base | {"name": f"p{n}"} | phase for n, phase in enumerate(phases)]
    return parse_scenario(data | fields)


def steady(rate_rps: float, **more: Any) -> dict[str, Any]:
    gap = 1 / rate_rps
    return {"arrivals": {"kind": "uniform", "low_s": gap, "high_s": gap}} | more


def texts(scenario: Scenario, level: str) -> list[str]:
    return [finding.text for finding in findings(scenario) if finding.level == level]


def test_overload_grows_the_queue_as_the_fluid_limit_says() -> None:
    """13 requests/s into a server of 10 for 100 s leave 300, a wait of 30 s; 5/s drain them."""
    scenario = served(steady(13), steady(5))
    over, calm = load_over_time(scenario)
    assert (over.rho, over.backlog, over.wait_s) == pytest.approx((1.3, 300, 30))
    assert (calm.rho, calm.entered, calm.backlog) == pytest.approx((0.5, 300, 0))
    assert texts(scenario, "warning") == [
        "p0: ρ = 1.3: the queue grows without bound for 100 s, to about 300 requests; a newcomer "
        "then waits about 30 s.",
        "The backlog of p0 takes about 60 s more to drain.",
    ]
    assert "p1: ρ = 0.5: queues stay short." in texts(scenario, "ok")


def test_run_bears_out_backlog_and_drain() -> None:
    """The sentence is a forecast: the simulated queue must do what it says."""
    requests = simulate(served(steady(13), steady(5))).requests
    waits = requests["queue_wait_s"].to_numpy()
    arrivals = requests["arrival_s"].to_numpy()
    assert waits[np.searchsorted(arrivals, 100) - 1] == pytest.approx(30, abs=1)
    again = waits[(arrivals > 162)]
    assert again.max() < 0.2
    assert waits[(arrivals > 140) & (arrivals < 155)].min() > 1


def test_drift_is_seen_in_the_load() -> None:
    """Answers twice as long halve what the server can do from that moment on."""
    event = {"kind": "step", "factor": 2, "at_s": 50}
    scenario = served(steady(8), drift=[event])
    before, after = load_over_time(scenario)
    assert (before.rho, after.rho) == pytest.approx((0.8, 1.6))
    assert after.backlog == pytest.approx((8 - 5) * 50, rel=0.01)
    assert "lengths ×2 at 50 s: ρ rises from 0.8 to 1.6." in texts(scenario, "warning")


def test_changing_rate_is_followed_in_stretches() -> None:
    """A mean below capacity hides an hour above it."""
    wave = {"kind": "diurnal", "base_rps": 9, "amplitude": 0.8, "period_s": 100, "peak_s": 50}
    scenario = served({"arrivals": wave})
    stretches = load_over_time(scenario)
    assert len(stretches) == 12
    assert max(s.rho for s in stretches) == pytest.approx(1.6, abs=0.1)
    assert min(s.rho for s in stretches) < 0.3
    mean = np.average(
        [s.rate_rps for s in stretches], weights=[s.to_s - s.from_s for s in stretches]
    )
    assert mean == pytest.approx(9, rel=0.001)
    assert any("grows without bound" in text for text in texts(scenario, "warning"))
    assert len(stretches_frame(stretches)) == 12


def test_closed_loop_never_grows_without_bound() -> None:
    """Users who wait for each other are no unbounded queue, however many they are."""
    loop = {"kind": "closed_loop", "users": 50, "think": {"kind": "exponential", "mean_s": 2}}
    scenario = served({"arrivals": loop})
    assert load_over_time(scenario)[0].backlog == 0
    assert not any("without bound" in finding.text for finding in findings(scenario))
    assert any("users wait for each other" in text for text in texts(scenario, "info"))


def test_replicas_add_up() -> None:
    """Four servers have four times the capacity; the load is a fourth."""
    scenario = served(steady(20))
    data = json.loads(scenario.model_dump_json(by_alias=True))
    data["cluster"]["replicas"] = 4
    one, four = load_over_time(scenario)[0], load_over_time(parse_scenario(data))[0]
    assert four.saturation_rps == pytest.approx(4 * one.saturation_rps)
    assert four.rho == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("overrides", "level", "said"),
    [
        (["cluster.memory_utilisation=0.24"], "warning", "is never reached"),
        (["tenants.0.limits={rate_rps: 0.5}"], "warning", "premium sends"),
        (["tenants.0.patience={timeout_s: 10}"], "warning", "premium's clients give up after"),
        (
            [
                "tenants.1.patience={abandonment: {kind: exponential, mean_s: 5}}",
                "tenants.1.retries={attempts: 3}",
            ],
            "warning",
            "many leave and ask again, which adds load",
        ),
        (["lengths=capped", "drift=[{kind: step, factor: 2}]"], "warning", "changes nothing"),
        (
            ["phases.0.arrivals={kind: gamma, rate_rps: 5, cv: 4}"],
            "warning",
            "requests come in bursts",
        ),
        (["cluster.context_tokens=100000", "categories.0.max_output_tokens=90000"], "error", "may"),
        ([], "info", "% of the answers are cut at max_output_tokens"),
    ],
)
def test_what_will_hurt_is_said(overrides: list[str], level: str, said: str) -> None:
    """Each of these has a cause in the scenario that a user would look for in vain in charts."""
    scenario = load_scenario("paper-continuous", overrides)
    found = findings(scenario)
    assert any(f.level == level and said in f.text for f in found), found
    levels = ["error", "warning", "info", "ok"]
    assert [levels.index(f.level) for f in found] == sorted(levels.index(f.level) for f in found)
    assert not [finding for finding in found if "\n" in finding.text]


def test_rate_preview_is_what_comes_on_average() -> None:
    """The smooth curve and the counted one must be the same traffic."""
    own = {"batch": {"kind": "poisson", "rate_rps": 30}}
    wave = {"kind": "diurnal", "base_rps": 60, "amplitude": 0.8, "period_s": 100}
    scenario = served({"arrivals": wave, "tenant_arrivals": own}, steady(40))
    curve, counted = rate_preview(scenario, 400), arrival_preview(scenario, 20)
    for phase in ("p0", "p1"):
        for tenant in scenario.tenant_names:
            rates = [
                table[(table["phase"] == phase) & (table["tenant"] == tenant)]["rate_rps"].mean()
                for table in (curve, counted)
            ]
            assert rates[0] == pytest.approx(rates[1], rel=0.1, abs=0.3)
    assert curve["time_s"].max() == pytest.approx(200)


def test_drift_preview_shows_both_lengths() -> None:
    """Where the drift begins the two lines must part, by its factor."""
    scenario = served(steady(20), drift=[{"kind": "step", "factor": 3, "at_s": 50}])
    table = drift_preview(scenario, bins=10)
    before = table[table["time_s"] < 50]
    after = table[table["time_s"] > 50]
    assert (before["output_tokens"] == before["undrifted_tokens"]).all()
    assert (after["output_tokens"] == 3 * after["undrifted_tokens"]).all()
    assert table["requests"].sum() == len(generate(scenario))
    assert preview_marks(scenario) == [(0.0, "p0"), (50.0, "lengths ×3")]
