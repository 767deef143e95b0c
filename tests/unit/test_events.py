"""Scenario events: what is refused, and what an outage leaves behind."""

from dataclasses import replace

import numpy as np
import pytest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import changed
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.simulation import simulate
from driftsched.workload import generate
from tests.support.scenarios import small

DOWN = {"kind": "outage", "replica": 0, "from_s": 5}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (DOWN | {"replica": 2}, r"events\[0\].replica must be from 0 to 1, got 2"),
        (DOWN | {"from_s": -1}, r"events\[0\].from_s must be >= 0, got -1"),
        (DOWN | {"to_s": 5}, r"to_s must be > from_s \(5\), got 5"),
        (DOWN | {"kind": "flood"}, "flood"),
    ],
)
def test_an_impossible_event_is_refused(event: dict[str, object], message: str) -> None:
    """A run with an event that cannot happen would answer another question."""
    with pytest.raises(ScenarioError, match=message):
        small(cluster={"replicas": 2}, events=[event])


@pytest.mark.parametrize("mode", ["gang", "continuous"])
def test_requests_left_without_a_replica_fail_with_a_reason(mode: str) -> None:
    """A run that waited for a replica that never comes back would hang."""
    table = simulate(small(engine={"mode": mode}, events=[DOWN])).requests
    late = table[table["arrival_s"] > 5]
    assert (late["status"] == "failed").all()
    assert set(late["reason"]) == {"no replica came back to serve it"}
    assert (late["finish_s"] == table["arrival_s"].max()).all()


def test_alarms_of_those_who_have_gone_do_not_hold_up_who_comes_after() -> None:
    """Who was answered hangs up no more; users who failed ask again at once, not when it would."""
    scenario = small(
        tenants=[
            {"name": "a", "share": 0.5, "patience": {"timeout_s": 500.0}},
            {"name": "b", "share": 0.5},
        ],
        phases=[
            {
                "name": "open",
                "requests": 5,
                "arrivals": {"kind": "poisson", "rate_rps": 5},
                "shares": {"a": 1.0, "b": 0.0},
                "mix": {"short_qa": 1},
            },
            {
                "name": "closed",
                "requests": 30,
                "arrivals": {
                    "kind": "closed_loop",
                    "users": 4,
                    "think": {"kind": "exponential", "mean_s": 1},
                },
                "shares": {"a": 0.0, "b": 1.0},
                "mix": {"short_qa": 1},
            },
        ],
        events=[{"kind": "outage", "replica": 0, "from_s": 8.0, "requests": "requeue"}],
    )
    requests = simulate(scenario).requests
    assert set(requests["status"]) == {"finished", "failed"}
    assert requests["arrival_s"].max() < 60


@pytest.mark.parametrize("mode", ["gang", "continuous"])
def test_an_outage_requeues_or_fails_those_who_run(mode: str) -> None:
    """What was computed when the replica went down would count as done."""
    for requests in ("requeue", "fail"):
        event = DOWN | {"to_s": 9, "requests": requests}
        table = simulate(small(engine={"mode": mode}, events=[event])).requests
        again, failed = table["preemptions"] > 0, table["status"] == "failed"
        hit = again if requests == "requeue" else failed
        assert hit.any()
        assert not (failed if requests == "requeue" else again).any()
        assert (table.loc[hit & ~failed, "dispatch_s"] >= 9).all()
        served = table[~failed]
        assert not ((served["dispatch_s"] > 5) & (served["dispatch_s"] < 9)).any()


def test_a_requeued_request_runs_until_the_failure_and_waits_afterwards() -> None:
    """Queues during an outage would show requests as waiting while a GPU computed them."""
    outage = DOWN | {"to_s": 9}
    result = simulate(small(engine={"mode": "continuous"}, events=[outage]))
    again = result.requests["preemptions"] > 0
    assert again.any()
    assert (result.requests.loc[again, "lost_s"] > 0).all()
    assert (result.requests.loc[~again, "lost_s"] == 0).all()
    for at_s in (4.999, 5.0, 8.999):
        past = result.queues[result.queues["time_s"] <= at_s]
        running = past.groupby("tenant", observed=True)["running"].last().sum()
        assert running == (again.sum() if at_s < 5 else 0)


def test_a_client_whose_first_token_was_lost_hangs_up_when_its_patience_ends() -> None:
    """The earlier deadline was met by a token that an outage took back; the later one counts."""
    patience = {
        "first_token_timeout_s": 0.5,
        "abandonment": {"kind": "constant", "seconds": 8},
    }
    answer = {"kind": "constant", "tokens": 100}
    scenario = small(
        tenants=[{"name": "a", "share": 1, "patience": patience}],
        categories=[
            {
                "name": "short_qa",
                "base_tokens": 40,
                "max_output_tokens": 100,
                "prompt_tokens": {"kind": "constant", "tokens": 1},
                "output_tokens": answer,
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
        cluster={"cost": {"kind": "constant", "token_s": 0.03}},
    )
    arrival_s = float(generate(scenario).arrival_s[0])
    outage = DOWN | {"from_s": arrival_s + 1}
    (request,) = simulate(changed(scenario, events=[outage])).requests.itertuples()
    assert (request.status, request.reason) == ("cancelled", "hung up before the first token")
    assert request.finish_s == pytest.approx(arrival_s + 8)


def test_the_gpus_table_shows_what_state_a_replica_was_in() -> None:
    """A chart of a replica that was down would look like one that had nothing to do."""
    slow = {"kind": "slow_down", "replica": 1, "from_s": 12, "to_s": 20}
    gpus = simulate(small(cluster={"replicas": 2}, events=[DOWN | {"to_s": 9}, slow])).gpus
    down = gpus[gpus["state"] == "down"]
    assert set(down["replica"]) == {0}
    assert down["time_s"].between(5, 9).all()
    assert (down["running"] == 0).all()
    assert set(gpus.loc[gpus["state"] == "slow", "replica"]) == {1}


def test_who_comes_after_a_drain_joins_the_batch_though_a_larger_one_was_handed_back() -> None:
    """One chosen before the drain had no room; once put back it must not keep others out."""
    drain = {"kind": "drain", "replica": 0, "from_s": 1, "to_s": 2}
    drawn = small(policy={"kind": "priority"}, engine={"mode": "continuous", "kv": "reserve"})
    room = kv_capacity_tokens(drawn.cluster) * 2 // 3
    scenario = changed(drawn, phases=[drawn.phases[0].model_dump() | {"requests": 3}])
    workload = replace(
        generate(scenario),
        arrival_s=np.array([0.0, 0.5, 1.5]),
        tenant=np.array([1, 1, 0], dtype=np.int16),
        prompt_tokens=np.array([10, 10, 10], dtype=np.int32),
        output_tokens=np.array([2000, 10, 10], dtype=np.int32),
        max_output_tokens=np.array([room, room, 10], dtype=np.int32),
    )
    table = simulate(changed(scenario, events=[drain]), workload).requests
    assert table["finish_s"][0] > 10
    assert table["dispatch_s"][1] == table["finish_s"][0]
    assert 2 <= table["dispatch_s"][2] < 3
