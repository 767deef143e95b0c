"""One request's life: what is told of it is what the run did."""

from __future__ import annotations

import numpy as np
import pytest

from driftsched.core.errors import InputError
from driftsched.experiments.life import life
from driftsched.scenario import load_scenario
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate

SMALL = ["phases.0.requests=60", "phases.1.requests=120"]


@pytest.mark.parametrize("kind", POLICIES)
def test_who_was_served_before_it_is_who_the_tables_say(kind: str) -> None:
    """The story must be of this very run, under every policy."""
    scenario = load_scenario("paper", [*SMALL, f"policy.kind={kind}"])
    requests = simulate(scenario).requests
    own = requests.iloc[150]
    told = life(scenario, 150)
    assert told.request["finish_s"] == own["finish_s"]
    assert told.ahead["request_id"].iloc[-1] == 150
    waited = requests[
        (requests["dispatch_s"] >= own["arrival_s"]) & (requests["dispatch_s"] < own["dispatch_s"])
    ]
    assert {*waited["request_id"]} <= {*told.ahead["request_id"]}
    assert told.ahead["time_s"].is_monotonic_increasing
    assert (told.ahead["score"] <= told.ahead["own_score"]).all(), "the lowest score was served"
    assert told.taught is not None
    assert told.taught["time_s"] == own["finish_s"]


def test_who_was_interrupted_has_that_told() -> None:
    """A policy that interrupts must interrupt in the story too; each stay in the queue is told."""
    changes = ["phases.0.requests=200", "phases.1.requests=200", "policy.kind=srpt"]
    scenario = load_scenario("paper-continuous", changes)
    requests = simulate(scenario).requests
    own = int(np.argmax(requests["preemptions"].to_numpy()))
    assert requests["preemptions"].iloc[own] > 0
    told = life(scenario, own)
    assert told.request["preemptions"] == requests["preemptions"].iloc[own]
    assert told.request["finish_s"] == requests["finish_s"].iloc[own]
    assert (told.ahead["request_id"] == own).sum() > 1


def test_without_a_tenant_it_would_have_finished_sooner() -> None:
    """Its finish without the others is that of a run in which they send nothing."""
    scenario = load_scenario("noisy-neighbour")
    requests = simulate(scenario).requests
    mine = requests["tenant"] == "search"
    own = int(np.nanargmax(requests["e2e_s"].where(mine).to_numpy()))
    told = life(scenario, own)
    assert {*told.without["tenant"]} == {"chat", "crawler"}
    without = dict(zip(told.without["tenant"], told.without["e2e_s"].astype(float), strict=True))
    assert without["crawler"] < 0.5 * float(requests["e2e_s"].iloc[own])
    assert np.isfinite([*without.values()]).all()


def test_where_clients_react_nothing_is_said_of_other_traffic() -> None:
    """With fewer requests users would ask at other times: another experiment."""
    assert life(load_scenario("closed-loop"), 5).without.empty


def test_a_request_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match="request must be 0 to 179, got 180"):
        life(load_scenario("paper", SMALL), 180)
