"""Clients who try again in the compiled engine: as the SimPy engine has it, draws included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.scenario import Scenario
from driftsched.simulation import simulate
from driftsched.simulation.compiled.chance import POOL, entropy, uniform
from driftsched.workload.streams import Streams
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import POLICIES, small

STUBBORN = {"attempts": 4, "backoff_s": 0.3, "jitter": 0.7, "after": ["timed_out", "rejected"]}
AT_ONCE = {"attempts": 3, "backoff_s": 0.0, "jitter": 0.0, "after": ["rejected"]}


def stubborn(rate_rps: float = 20.0, **changes: Any) -> Scenario:
    """More than can be served, in two phases; one tenant's clients wait and one's do not."""
    patience = {"first_token_timeout_s": 0.8, "timeout_s": 1.6}
    both: dict[str, Any] = {"share": 0.5, "limits": {"waiting": 6, "rate_rps": 8, "burst": 4}}
    tenants = [
        both | {"name": "a", "tier": "premium", "weight": 2, "patience": patience},
        both | {"name": "b", "tier": "batch", "retries": AT_ONCE},
    ]
    tenants[0]["retries"] = STUBBORN
    arrivals = {"kind": "poisson", "rate_rps": rate_rps}
    phase = {"name": "p", "requests": 120, "arrivals": arrivals, "mix": {"short_qa": 1}}
    phases = [phase | {"drain": True}, phase | {"name": "q"}]
    engine = {"mode": "continuous", "batch_size": 4}
    return small(**({"tenants": tenants, "phases": phases, "engine": engine} | changes))


@given(
    seed=st.integers(0, 2**200) | st.integers(0, 5),
    phase=st.integers(0, 9),
    place=st.integers(0, 2**25),
    tries=st.integers(1, 20),
)
def test_pauses_are_drawn_as_numpy_draws_them(
    seed: int, phase: int, place: int, tries: int
) -> None:
    """Otherwise the two engines' clients would come back at other times."""
    expected = Streams(seed, 10).get("retries", phase, place, tries).random()
    pool = np.zeros(POOL, np.uint64)
    assert uniform(entropy(seed, "retries"), pool, phase, place, tries) == expected


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("compensator", ["ema", "oracle"])
def test_tries_have_the_same_ids_times_and_ends(policy: str, compensator: str) -> None:
    """Otherwise a retry storm would look different under each engine."""
    estimator = {"compensator": {"kind": compensator}}
    scenario = stubborn(policy={"kind": policy}, estimator=estimator)
    table = assert_engines_agree(scenario).requests
    assert set(table["attempt"]) == {1, 2, 3, 4}
    again = table[table["retry_of"] >= 0]
    waits = again["arrival_s"].to_numpy() - table["finish_s"].to_numpy()[again["retry_of"]]
    assert (waits == 0).any()
    assert (waits > 0).any()


def test_a_phase_drains_when_the_last_try_has_ended() -> None:
    """Otherwise the next phase would meet those who were still to come back."""
    phases = [phase.model_dump() for phase in stubborn().phases]
    tenants = [{"name": "a", "share": 1, "patience": {"timeout_s": 0.5}}]
    tenants[0]["retries"] = {"attempts": 2, "backoff_s": 50.0, "jitter": 0.0}
    table = assert_engines_agree(stubborn(phases=phases, tenants=tenants)).requests
    first = table[table["phase"] == "p"]
    assert first["arrival_s"].max() > 50
    assert table.loc[table["phase"] == "q", "arrival_s"].min() > first["finish_s"].max()


@pytest.mark.parametrize("router", ["power_of_two", "least_outstanding"])
def test_tries_are_routed_anew(router: str) -> None:
    """Otherwise a try would draw for a replica what another one drew."""
    cluster = {"replicas": 3, "queue": "per_replica", "router": {"kind": router}}
    table = assert_engines_agree(stubborn(60.0, cluster=cluster)).requests
    again = table[(table["retry_of"] >= 0) & (table["replica"] >= 0)]
    former = table["replica"].to_numpy()[again["retry_of"]]
    assert (again["replica"].to_numpy() != former).any()


def test_progress_counts_rows_and_reaches_the_end() -> None:
    """Otherwise a job whose clients try again would never be seen to end."""
    shares: list[float] = []
    simulate(stubborn(), progress=shares.append, engine="compiled")
    assert shares == sorted(shares)
    assert shares[-1] == 1
