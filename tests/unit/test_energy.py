"""Joules and money of a run, worked out on paper."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from driftsched.cli import main
from driftsched.results import ENERGY_METRICS, energy_over_time, energy_summary, metrics_table
from driftsched.results.tables import RunResult
from driftsched.simulation import simulate
from tests.support.scenarios import small
from tests.unit.results_data import hand_run

TOKEN_S = 0.01


def measured_run(price: float | None = None) -> RunResult:
    """The hand-made run on a GPU that draws 50 W for 8 s."""
    run = hand_run(cluster={"price_per_gpu_hour": price})
    return replace(run, gpus=run.gpus.assign(energy_j=50 * run.gpus["time_s"]))


def one_request(tensor_parallel: int = 1) -> RunResult:
    """A single request at a constant rate: 1 token of prompt, 300 of answer, 3 s of work."""
    scenario = small(
        categories=[
            {
                "name": "short_qa",
                "base_tokens": 40,
                "max_output_tokens": 300,
                "prompt_tokens": {"kind": "constant", "tokens": 1},
                "output_tokens": {"kind": "constant", "tokens": 300},
            }
        ],
        phases=[
            {
                "name": "only",
                "requests": 1,
                "arrivals": {"kind": "poisson", "rate_rps": 1},
                "mix": {"short_qa": 1},
            }
        ],
        engine={"mode": "continuous", "batch_size": 1},
        cluster={
            "tensor_parallel": tensor_parallel,
            "cost": {"kind": "constant", "token_s": TOKEN_S},
        },
    )
    return simulate(scenario)


def test_joules_and_cost_of_the_hand_made_run() -> None:
    """400 J and 8 s of one GPU, divided by what finished and by nothing else."""
    run = measured_run(price=3.6)
    done = run.requests[run.requests["status"] == "finished"]
    output, tokens = (
        done["output_tokens"].sum(),
        done[["prompt_tokens", "output_tokens"]].sum().sum(),
    )
    summary = energy_summary(run)
    assert set(summary) == set(ENERGY_METRICS)
    assert summary == pytest.approx(
        {
            "total_energy_j": 400,
            "mean_power_w": 50,
            "energy_per_request_j": 400 / len(done),
            "energy_per_1000_tokens_j": 400_000 / tokens,
            "energy_per_1000_output_tokens_j": 400_000 / output,
            "gpu_hours": 8 / 3600,
            "total_cost": 0.008,
            "cost_per_million_tokens": 8000 / tokens,
            "cost_per_million_output_tokens": 8000 / output,
        }
    )


@pytest.mark.parametrize("gpus", [1, 8])
def test_simulated_power_is_idle_and_busy_of_every_gpu(gpus: int) -> None:
    """An L4 draws 12 W idle and 72 W busy; eight of them eight times that, whatever the samples."""
    run = one_request(gpus)
    busy_s = 300 * TOKEN_S
    span_s = run.gpus["time_s"].max()
    expected = gpus * (12 * span_s + (72 - 12) * busy_s)
    summary = energy_summary(run)
    assert summary["total_energy_j"] == pytest.approx(expected, rel=1e-9)
    assert summary["gpu_hours"] == pytest.approx(gpus * span_s / 3600)


def test_pools_are_paid_by_their_own_price() -> None:
    """A cheap L4 beside two dear A100 must not be paid as a third A100."""
    pools = [
        {"gpu": "L4", "price_per_gpu_hour": 1},
        {"gpu": "A100-80", "tensor_parallel": 2, "price_per_gpu_hour": 4},
    ]
    run = simulate(small(cluster={"pools": pools}))
    hours = run.gpus["time_s"].max() / 3600
    summary = energy_summary(run)
    assert summary["gpu_hours"] == pytest.approx(3 * hours)
    assert summary["total_cost"] == pytest.approx(hours * (1 + 2 * 4))
    unpriced = simulate(small(cluster={"pools": [pools[0], {"gpu": "L4"}]}))
    assert energy_summary(unpriced)["total_cost"] is None


def test_unknown_energy_and_price_stay_unknown() -> None:
    """A live run without a power meter must not show 0 J, nor a run without a price 0 money."""
    run = hand_run()
    summary = energy_summary(replace(run, provenance={"engine": "live:torch"}))
    assert all(value is None for name, value in summary.items() if "power" not in name)
    assert energy_over_time(run.gpus, run.requests).empty
    assert energy_summary(measured_run())["total_cost"] is None


def test_nothing_finished_has_no_energy_per_token() -> None:
    """Else a run that failed whole would divide by zero or look free."""
    run = measured_run(price=1)
    none = replace(run, requests=run.requests[run.requests["status"] != "finished"])
    summary = energy_summary(none)
    assert summary["total_energy_j"] == 400
    assert np.isnan([v for k, v in summary.items() if "_per_" in k and v is not None]).all()


def test_metrics_hold_energy_of_the_run_and_of_no_tenant() -> None:
    """Comparisons, CSV and JSON take it from there; rows of tenants must not repeat the total."""
    table = metrics_table(measured_run())
    assert table.loc[0, "total_energy_j"] == 400
    assert table.loc[1:, "total_energy_j"].isna().all()


def test_over_time_ends_at_the_totals() -> None:
    """The picture must end where the summary stands."""
    run = measured_run()
    table = energy_over_time(run.gpus, run.requests)
    summary = energy_summary(run)
    assert table["energy_j"].iloc[-1] == pytest.approx(summary["total_energy_j"])
    last = table["energy_per_1000_tokens_j"].iloc[-1]
    assert last == pytest.approx(summary["energy_per_1000_tokens_j"])
    assert table["energy_per_1000_tokens_j"].isna().sum() == (table["tokens"] == 0).sum() > 0


def test_command_line_prints_energy_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read these names."""
    changes = ["phases.0.requests=20", "phases.1.requests=20", "cluster.price_per_gpu_hour=2"]
    arguments = [part for change in changes for part in ("--set", change)]
    assert main(["run", "paper", *arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(ENERGY_METRICS) <= set(data)
    assert data["total_cost"] == pytest.approx(2 * data["gpu_hours"])
    assert main(["run", "paper", *arguments]) == 0
    assert "Cost per million tokens" in capsys.readouterr().out
