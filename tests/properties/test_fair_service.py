"""VTC's published bound on how unequally backlogged tenants are served (arXiv 2401.00588)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.scenario import Scenario
from driftsched.simulation import simulate
from tests.support.scenarios import small

TOKEN_S = 0.01
WEIGHTS = {"prompt_weight": 1.0, "output_weight": 2.0}
LONGEST = 120


def flood(policy: str, batch: int, share: float, mode: str, seed: int) -> Scenario:
    """Two tenants whose requests all come at once; one sends far more than the other."""
    shares = (share, 1 - share)
    tenants = [{"name": name, "share": part} for name, part in zip("ab", shares, strict=True)]
    category: dict[str, Any] = {
        "name": "short_qa",
        "base_tokens": 40,
        "max_output_tokens": LONGEST,
        "prompt_tokens": {"kind": "uniform", "low": 1, "high": 300},
        "output_tokens": {"kind": "uniform", "low": 1, "high": LONGEST},
    }
    phase = {
        "name": "flood",
        "requests": 120,
        "arrivals": {"kind": "poisson", "rate_rps": 1e4},
        "mix": {"short_qa": 1},
    }
    return small(
        tenants=tenants,
        categories=[category],
        phases=[phase],
        policy={"kind": policy} | (WEIGHTS if policy == "vtc" else {}),
        engine={"mode": mode, "batch_size": batch, "batch_wait_s": 0},
        cluster={"cost": {"kind": "constant", "token_s": TOKEN_S}},
        seed=seed,
    )


def largest_gap(table: pd.DataFrame) -> float:
    """Most that the tenants' service differs while requests of both wait; tokens are known."""
    begins = table.groupby("tenant", observed=True)["arrival_s"].min().max()
    ends = table.groupby("tenant", observed=True)["dispatch_s"].max().min()
    times = np.arange(begins, ends, TOKEN_S / 2)[:, None]
    served = []
    for _, mine in table.groupby("tenant", observed=True):
        started = times >= mine["dispatch_s"].to_numpy()
        given = np.floor((times - mine["first_token_s"].to_numpy()) / TOKEN_S + 1 + 1e-6)
        given = np.clip(given, 0, mine["output_tokens"].to_numpy())
        prompts = WEIGHTS["prompt_weight"] * (started * mine["prompt_tokens"].to_numpy()).sum(1)
        served.append(prompts + WEIGHTS["output_weight"] * given.sum(1))
    if not len(times):
        return 0.0
    gap = served[0] - served[1]
    return float(np.ptp(gap))


def bound(table: pd.DataFrame, batch: int) -> float:
    longest = int(table["prompt_tokens"].max())
    tokens = batch * (longest + LONGEST)
    return 2 * max(WEIGHTS["prompt_weight"] * longest, WEIGHTS["output_weight"] * tokens)


@settings(max_examples=20)
@given(
    st.integers(1, 6),
    st.floats(0.2, 0.8),
    st.sampled_from(["continuous", "gang"]),
    st.integers(0, 10_000),
)
def test_service_of_backlogged_tenants_stays_within_the_published_bound(
    batch: int, share: float, mode: str, seed: int
) -> None:
    """2·max(w_p·longest prompt, w_q·M) over any interval, M the most tokens in a batch."""
    table = simulate(flood("vtc", batch, share, mode, seed), engine="simpy").requests
    assert largest_gap(table) <= bound(table, batch)


def test_fifo_breaks_that_bound() -> None:
    """Otherwise the bound would say nothing about VTC."""
    table = simulate(flood("fifo", 1, 0.8, "continuous", 1), engine="simpy").requests
    assert largest_gap(table) > bound(table, 1)


@pytest.mark.parametrize("mode", ["continuous", "gang"])
def test_weights_count(mode: str) -> None:
    """A tenant whose answers are worth nothing is served by its prompts alone."""
    scenario = flood("vtc", 2, 0.5, mode, 3)
    free = scenario.policy.model_copy(update={"output_weight": 0.0})
    one = simulate(scenario, engine="simpy").requests["dispatch_s"]
    other = simulate(scenario.model_copy(update={"policy": free}), engine="simpy").requests
    assert not one.equals(other["dispatch_s"])
