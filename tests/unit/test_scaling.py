"""Replicas that come and go: when they serve, what they cost, and who decides it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from driftsched.core.errors import ScenarioError
from driftsched.results import energy_summary
from driftsched.results.marks import run_marks
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario, changed, with_load
from driftsched.simulation import simulate
from driftsched.workload import generate
from tests.support.scenarios import small

OUT: dict[str, Any] = {"kind": "scale_out", "at_s": 5, "start_up_s": 3}
IN: dict[str, Any] = {"kind": "scale_in", "at_s": 20}
AUTO: dict[str, Any] = {
    "kind": "autoscale",
    "add_above": 4,
    "remove_below": 0.5,
    "max_replicas": 3,
    "every_s": 1,
    "start_up_s": 2,
    "cool_down_s": 3,
}


def run(*events: dict[str, Any], **fields: Any) -> RunResult:
    return simulate(small(events=list(events), **fields))


def served(result: RunResult, replica: int) -> pd.DataFrame:
    return result.requests[result.requests["replica"] == replica]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([OUT | {"replicas": 0}], "replicas"),
        ([OUT | {"replicas": 1000}], "events must not make it more than 1000 replicas, got 1001"),
        ([AUTO, AUTO], "events must have at most one autoscale, got 2"),
        ([AUTO | {"remove_below": 5}], r"remove_below must be <= add_above \(4\), got 5"),
        ([AUTO | {"min_replicas": 4}], r"max_replicas must be >= min_replicas \(4\), got 3"),
        ([OUT, {"kind": "drain", "replica": 2, "from_s": 1}], "from 0 to 1, got 2"),
    ],
)
def test_an_impossible_scaling_is_refused(events: list[dict[str, Any]], message: str) -> None:
    """A run whose cluster cannot be would answer another question."""
    with pytest.raises(ScenarioError, match=message):
        small(events=events)


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("queue", ["central", "per_replica"])
def test_a_replica_serves_between_its_start_up_and_its_leaving(mode: str, queue: str) -> None:
    """One that served while it started, or took new requests while it left, would be too good."""
    result = run(OUT, IN, engine={"mode": mode}, cluster={"queue": queue})
    mine = served(result, 1)
    assert len(mine)
    assert mine["dispatch_s"].between(8, 20, inclusive="left").all()
    assert (result.requests["status"] == "finished").all()
    gpus = result.gpus[result.gpus["replica"] == 1]
    assert set(gpus["state"]) <= {"starting", "up", "draining", "absent"}
    assert gpus.loc[gpus["state"] == "starting", "time_s"].between(5, 8).all()
    assert gpus["time_s"].min() >= 5
    left_s = max(20, mine["finish_s"].max())
    step = result.scenario.metrics.sample_s
    assert left_s <= gpus["time_s"].max() + 1e-9 <= left_s + 2 * step


def test_what_does_not_exist_costs_nothing() -> None:
    """GPU-hours of 52 s on one replica and 15 s on another, to the second and not to the sample."""
    price = {"price_per_gpu_hour": 3600.0, "cost": {"kind": "constant", "token_s": 0.02}}
    result = run(OUT | {"at_s": 5.03}, IN | {"at_s": 9.05}, cluster=price)
    gpus = result.gpus
    left_s = max(9.05, served(result, 1)["finish_s"].max())
    existed_s = gpus["time_s"].max() + left_s - 5.03
    assert energy_summary(result)["total_cost"] == pytest.approx(existed_s, rel=1e-9)
    idle_w = result.scenario.cluster.find_gpu().idle_w
    tdp_w = result.scenario.cluster.find_gpu().tdp_w
    busy_s = gpus["busy"].sum() * result.scenario.metrics.sample_s
    joules = idle_w * existed_s + (tdp_w - idle_w) * busy_s
    assert energy_summary(result)["total_energy_j"] == pytest.approx(joules, rel=1e-9)


def test_a_replica_that_is_down_is_paid_for_and_draws_nothing() -> None:
    """Idle power of a machine that is off would hide what an outage saves."""
    down = {"kind": "outage", "replica": 0, "from_s": 10, "to_s": 14}
    result = run(down, cluster={"price_per_gpu_hour": 3600.0})
    gpus = result.gpus
    off = gpus["time_s"].between(10.1, 14.1)
    assert (gpus.loc[off, "power_w"] < 1e-6).all()
    assert (gpus.loc[~off, "power_w"] > 0).all()
    assert energy_summary(result)["total_cost"] == pytest.approx(gpus["time_s"].max())


def test_one_replica_always_stays() -> None:
    """A cluster without replicas would leave every later request without an answer."""
    result = run(IN | {"replicas": 5})
    assert (result.requests["status"] == "finished").all()
    assert (result.gpus["state"] == "up").all()


def test_one_about_to_leave_is_kept_without_another_start_up() -> None:
    """Else a cluster would pay for a start while a running replica goes."""
    leave, back = IN | {"at_s": 20.05}, OUT | {"at_s": 20.06, "start_up_s": 10}
    result = run(OUT, leave, back, engine={"mode": "gang"}, phases=[phase(20)])
    gpus = result.gpus[result.gpus["replica"] == 1]
    assert (gpus.loc[gpus["time_s"] > 8, "state"] == "up").all()


def phase(rate_rps: float, requests: int = 600) -> dict[str, Any]:
    return {
        "name": "busy",
        "requests": requests,
        "arrivals": {"kind": "poisson", "rate_rps": rate_rps},
        "mix": {"short_qa": 1},
    }


def rush() -> Scenario:
    """A rush and a calm after it."""
    return small(events=[AUTO], phases=[phase(40), phase(0.5, 40) | {"name": "calm"}])


def test_an_autoscaler_follows_the_queue_within_its_bounds() -> None:
    """It must grow in the rush, shrink in the calm, and never be faster than its cool-down."""
    result = simulate(rush())
    gpus = result.gpus[result.gpus["state"] != "absent"]
    count = gpus.groupby("time_s")["replica"].nunique()
    assert count.iloc[0] == 1
    assert count.max() == 3
    assert count.iloc[-1] == 1
    begun = gpus.groupby("replica")["time_s"].min()
    assert begun.loc[2] - begun.loc[1] >= AUTO["cool_down_s"] - 1e-9
    assert (gpus["state"] == "starting").any()
    alone = simulate(changed(rush(), events=[])).requests
    assert result.requests["queue_wait_s"].mean() < 0.7 * alone["queue_wait_s"].mean()


def test_charts_mark_what_an_autoscaler_did() -> None:
    """Nobody planned it, so only the run can tell when replicas came and went."""
    result = simulate(rush())
    labels = [label for _, label in run_marks(result)]
    assert "autoscaler on" in labels[0]
    assert labels.index("2 replicas") < labels.index("3 replicas")
    assert labels[-1].endswith("1 replica")
    assert [at for at, _ in run_marks(result)] == sorted(at for at, _ in run_marks(result))


def test_a_run_ends_though_an_autoscaler_could_look_for_ever() -> None:
    """An autoscaler that waits for what never comes would keep the clock going."""
    down = [{"kind": "outage", "replica": number, "from_s": 5} for number in range(3)]
    result = run(AUTO, *down)
    late = result.requests[result.requests["arrival_s"] > 5]
    assert (late["status"] == "failed").all()


def test_more_load_meets_the_same_events() -> None:
    """With twice the load at unchanged times an event would hit other requests, or none."""
    slow = {"kind": "slow_down", "replica": 0, "from_s": 4, "to_s": 9, "factor": 3}
    plain = small(events=[OUT, IN, AUTO, slow])
    fast = with_load(plain, 2)
    out, into, auto, slowed = fast.events
    assert [moment.at_s for event in (out, into, slowed) for moment in event.moments()] == [
        *(2.5, 10, 2, 4.5)
    ]
    assert out.model_dump()["start_up_s"] == 3
    assert auto == plain.events[2]

    def before(scenario: Scenario) -> int:
        return int((generate(scenario).arrival_s < scenario.events[0].moments()[0].at_s).sum())

    assert before(fast) == before(plain)
