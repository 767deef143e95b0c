"""Policies compared: on the same requests, with the parameters asked for, repeatably."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import CancelledError, InputError, UnknownNameError
from driftsched.experiments import Comparison, compare, run_ensemble
from driftsched.results import metrics_table
from driftsched.scenario import changed, load_scenario, with_policy
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from tests.support.scenarios import small

TRAFFIC = ["arrival_s", "tenant", "category", "prompt_tokens", "output_tokens"]


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    rush = small(seed=5, engine={"mode": "continuous", "batch_size": 2})
    return compare(rush, ["fifo", "sjf", "priority"], 3)


def test_every_policy_serves_the_same_requests(comparison: Comparison) -> None:
    """Other requests for each policy would show luck instead of the policy."""
    fifo, *others = (run.requests[TRAFFIC] for run in comparison.first.values())
    for other in others:
        pd.testing.assert_frame_equal(fifo, other)


def test_a_comparison_is_the_runs_it_stands_for(comparison: Comparison) -> None:
    """A row that is not what a single run gives could not be looked into."""
    scenario = with_policy(changed(comparison.scenario, seed=6), "sjf")
    expected = metrics_table(simulate(scenario))
    table = comparison.metrics
    rows = table[(table["policy"] == "sjf") & (table["seed"] == 6)]
    got = rows.drop(columns=["policy", "seed"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(got, expected)


def test_tables_have_a_row_for_each_policy_and_seed(comparison: Comparison) -> None:
    assert comparison.policies == ["fifo", "sjf", "priority"]
    assert comparison.seeds == [5, 6, 7]
    overall = comparison.metrics[comparison.metrics["scope"] == "overall"]
    assert sorted(zip(overall["policy"], overall["seed"], strict=True)) == sorted(
        (policy, seed) for policy in comparison.policies for seed in comparison.seeds
    )
    counts = comparison.estimation.groupby(["policy", "seed"])["compensator"].apply(list)
    assert set(map(tuple, counts)) == {("none", "ema", "oracle")}


def test_first_holds_the_first_seeds_runs(comparison: Comparison) -> None:
    assert [run.scenario.seed for run in comparison.first.values()] == [5, 5, 5]
    assert [run.scenario.policy.kind for run in comparison.first.values()] == comparison.policies


def test_change_is_paired_by_seed(comparison: Comparison) -> None:
    """Means compared across seeds would mix the traffic's luck into the difference."""
    fifo, sjf = (comparison.values(policy, "duration") for policy in ("fifo", "sjf"))
    change = comparison.change("duration", "sjf", "fifo")
    assert change.mean == pytest.approx(np.mean(sjf / fifo - 1))
    assert change.n == 3
    mean, low, high = comparison.interval("sjf", "duration")
    assert mean == pytest.approx(sjf.mean())
    assert low < mean < high


def test_percentiles_are_of_all_seeds_together_and_never_averaged(comparison: Comparison) -> None:
    """The mean of several runs' P99 is no percentile of anything."""
    together = {}
    for policy in ("fifo", "sjf"):
        runs = []
        for seed in (5, 6, 7):
            table = simulate(with_policy(changed(comparison.scenario, seed=seed), policy)).requests
            mine = (table["status"] == "finished") & (table["tenant"] == "b")
            runs.append(table.loc[mine, "ttft_s"].to_numpy())
        together[policy] = np.percentile(np.concatenate(runs), 99)
    where = {"scope": "tenant", "name": "b"}
    value, low, high = comparison.interval("sjf", "p99_ttft_ms", **where)
    assert value == pytest.approx(1e3 * together["sjf"])
    assert low <= value <= high
    change = comparison.change("p99_ttft_ms", "sjf", "fifo", **where)
    assert change.mean == pytest.approx(together["sjf"] / together["fifo"] - 1)
    assert change.low <= change.mean <= change.high


def test_scopes_are_told_apart(comparison: Comparison) -> None:
    premium = comparison.values("priority", "median_e2el_ms", scope="tenant", name="a")
    batch = comparison.values("priority", "median_e2el_ms", scope="tenant", name="b")
    assert (premium < batch).all(), "Priority serves the premium tenant first"


def test_error_change_is_against_no_compensation(comparison: Comparison) -> None:
    assert comparison.error_change("mae", "oracle").mean == -1
    assert comparison.error_change("rmse", "none").mean == 0
    assert comparison.errors("mae", "ema").shape == (3,)


def test_own_policy_keeps_its_parameters_and_others_have_defaults() -> None:
    scenario = small(policy={"kind": "aging", "rate": 0.5})
    runs = compare(scenario, ["aging", "fifo"]).first
    assert runs["aging"].scenario.policy == scenario.policy
    assert runs["fifo"].scenario.policy == small().policy


def test_comparison_goes_through_a_pipe(comparison: Comparison) -> None:
    """The studio's workers send results as pickles."""
    again = pickle.loads(pickle.dumps(comparison))
    assert again.scenario == comparison.scenario
    pd.testing.assert_frame_equal(again.metrics, comparison.metrics)
    pd.testing.assert_frame_equal(again.first["sjf"].requests, comparison.first["sjf"].requests)


def test_same_comparison_twice_is_equal(comparison: Comparison) -> None:
    again = compare(comparison.scenario, comparison.policies, 3)
    pd.testing.assert_frame_equal(again.metrics, comparison.metrics)
    pd.testing.assert_frame_equal(again.estimation, comparison.estimation)


def test_unknown_policy_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=f"policy must be one of {', '.join(POLICIES)}"):
        compare(small(), ["fifo", "lifo"])


@pytest.mark.parametrize(
    ("policies", "seeds", "message"),
    [
        ([], 1, "policies must name at least one of fifo"),
        (["sjf", "sjf"], 1, "policies must be named once each, got 'sjf' 2 times"),
        (["sjf"], 0, "seeds must be >= 1, got 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(policies: list[str], seeds: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare(small(), policies, seeds)


def test_seeds_beyond_the_last_one_are_refused() -> None:
    with pytest.raises(InputError, match="seed must be < 4294967296"):
        compare(small(seed=2**32 - 1), ["fifo"], 2)


def test_progress_grows_to_one_over_all_runs() -> None:
    shares: list[float] = []
    compare(small(), ["fifo", "sjf"], 2, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert sum(share < 0.5 for share in shares) >= 2, "the first seed is half of the work"


def test_progress_can_stop_the_comparison() -> None:
    """Cancelling in the studio raises out of progress; the runs to come must not be made."""
    seen: list[float] = []

    def stop(share: float) -> None:
        seen.append(share)
        if share > 0.3:
            raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        compare(small(), ["fifo", "sjf"], 2, progress=stop)
    assert seen[-1] < 0.6


def test_replications_share_the_workload_of_a_seed() -> None:
    variants = {"slow": small(), "fast": changed(small(), cluster__gpu="H100")}
    found = run_ensemble(variants, 2, measure=lambda name, result: (name, result)).measured
    assert {name: [(n, r.scenario.seed) for n, r in each] for name, each in found.items()} == {
        name: [(name, 1), (name, 2)] for name in variants
    }
    for (_, slow), (_, fast) in zip(found["slow"], found["fast"], strict=True):
        pd.testing.assert_frame_equal(slow.requests[TRAFFIC], fast.requests[TRAFFIC])
        assert slow.requests["e2e_s"].mean() > fast.requests["e2e_s"].mean()


def test_users_who_wait_for_answers_are_compared_by_what_each_policy_was_asked() -> None:
    """In a closed loop a slower policy is asked less: one policy's requests are not another's."""
    comparison = compare(load_scenario("closed-loop", ["phases.0.duration_s=60"]), ["fifo", "sjf"])
    for policy, result in comparison.first.items():
        mine = result.requests[result.requests["status"] == "finished"]
        for tenant, rows in mine.groupby("tenant", observed=True):
            pool, _ = comparison.pool(policy, "p50_e2el_ms", scope="tenant", name=str(tenant))
            assert len(pool.values) == len(rows)
            assert pool.mean().value == pytest.approx(rows["e2e_s"].mean())
