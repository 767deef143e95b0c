"""Closed loops, patience and retries: equal to a slow engine, conserving, with exact queues."""

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings

from driftsched.core.errors import ScenarioError
from driftsched.results.outcomes import STATUSES
from driftsched.scenario import Scenario
from driftsched.simulation import simulate
from driftsched.workload import Workload, generate
from tests.properties.test_jump_ahead import assert_equal_to_token_by_token
from tests.support.littles_law import littles_law
from tests.support.reactive import reactive


def traffic(scenario: Scenario) -> Workload:
    try:
        return generate(scenario)
    except ScenarioError:  # a short phase without a single request
        assume(False)
        raise


@settings(max_examples=120)
@given(reactive())
def test_clients_faults_and_scaling_equal_iterating_token_by_token(scenario: Scenario) -> None:
    """A difference would be a client told too late, a place freed too late, a start missed."""
    traffic(scenario)
    assert_equal_to_token_by_token(scenario)


@settings(max_examples=60)
@given(reactive())
def test_every_try_ends_once_and_queues_are_exact(scenario: Scenario) -> None:
    """A request lost or counted twice would break conservation or Little's law."""
    traffic(scenario)
    result = simulate(scenario)
    table = result.requests
    assert table["status"].isin(STATUSES).all()
    assert (table["finish_s"] >= table["arrival_s"]).all()
    assert table["arrival_s"].is_monotonic_increasing
    assert (table.loc[table["status"] != "finished", "reason"] != "").all()
    law = littles_law(result)
    np.testing.assert_allclose(law["mean_waiting"], law["rate_times_wait"], rtol=1e-9, atol=1e-9)
    assert (result.queues[["waiting", "running"]] >= 0).all(axis=None)
    last = result.queues.groupby("tenant", observed=True).last()
    assert (last[["waiting", "running"]] == 0).all(axis=None)
    assert_tries(scenario, table)
    assert_one_at_a_time(table)


def assert_tries(scenario: Scenario, table: pd.DataFrame) -> None:
    """A retry repeats a try that ended badly, within the number allowed."""
    again = table[table["retry_of"] >= 0]
    former = table.loc[again["retry_of"]]
    assert (again["attempt"].to_numpy() == former["attempt"].to_numpy() + 1).all()
    assert (former["status"] != "finished").all()
    for name in ("tenant", "prompt_tokens", "output_tokens", "user"):
        assert again[name].tolist() == former[name].tolist()
    most = {tenant.name: tenant.retries.attempts for tenant in scenario.tenants}
    assert (table["attempt"] <= table["tenant"].map(most).astype(int)).all()


def assert_one_at_a_time(table: pd.DataFrame) -> None:
    """A user asks again only after an answer, or after hanging up."""
    for _, mine in table[table["user"] >= 0].groupby("user"):
        answered = mine[mine["status"] == "finished"]
        following = mine["arrival_s"].shift(-1).loc[answered.index].dropna()
        assert (following >= answered.loc[following.index, "finish_s"]).all()
