"""Ensembles: the same runs as one by one, and figures that follow from their tables."""

from __future__ import annotations

import numpy as np
import pytest

from driftsched.core.errors import InputError
from driftsched.experiments import Ensemble, Figures, run_ensemble, warmup
from driftsched.experiments.answer import answer
from driftsched.experiments.time_series import drift_series, queue_series, tenant_queue_series
from driftsched.experiments.traffic import TrafficCache
from driftsched.results import (
    STATUSES,
    PairedChange,
    estimation_table,
    sample_queues,
    summarise,
)
from driftsched.results.outcomes import RunArrays
from driftsched.results.statistics import latency_verdict
from driftsched.scenario import About, Scenario, changed, load_scenario, with_policy
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from driftsched.simulation.compiled import warm_up
from tests.support.scenarios import small

SMALL = ["phases.0.requests=60", "phases.1.requests=140"]
LIMITED = [*SMALL, "tenants.2.limits.waiting=5", "tenants.1.slo.tpot_s=0.05"]
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    warm_up()


def variants(overrides: list[str]) -> dict[str, Scenario]:
    base = load_scenario("paper", overrides)
    return {name: with_policy(base, name) for name in POLICIES}


@pytest.fixture(scope="module")
def limited() -> Ensemble:
    return run_ensemble(variants(LIMITED), len(SEEDS))


COLUMNS = (
    *("arrival_s", "dispatch_s", "first_token_s", "finish_s", "bias", "estimated_output_tokens"),
    *("preemptions", "replica", "batch_id"),
)


def assert_same(found: RunArrays, scenario: Scenario, seed: int) -> None:
    table = simulate(changed(scenario, seed=seed), engine="simpy").requests
    for name in COLUMNS:
        theirs = table[name].to_numpy()
        np.testing.assert_allclose(getattr(found.outcomes, name), theirs, rtol=1e-9, err_msg=name)
    for status in STATUSES:
        np.testing.assert_array_equal(found.has_status(status), table["status"] == status)
    for name in ("queue_wait_s", "ttft_s", "tpot_s", "e2e_s"):
        np.testing.assert_allclose(found.seconds(name), table[name].to_numpy(), rtol=1e-9)


def test_every_run_is_the_one_that_simulate_gives(limited: Ensemble) -> None:
    """A page would show other latencies than Run and the command line do for the same scenario."""
    assert {engine for engine, _ in limited.engines.values()} == {"compiled"}
    for name, scenario in limited.scenarios.items():
        for seed, run in zip(SEEDS, limited.runs[name], strict=True):
            assert_same(run, scenario, seed)


def test_the_simpy_engine_gives_the_same_arrays() -> None:
    """A scenario outside the compiled engine's cover must work all the same, and say so."""
    scenario = load_scenario("paper", SMALL)
    ensemble = run_ensemble({"fifo": scenario}, 2, engine="simpy")
    assert ensemble.engines == {"fifo": ("simpy", "asked for")}
    assert_same(ensemble.runs["fifo"][1], scenario, 2)


def test_figures_of_one_replication_are_those_of_its_tables() -> None:
    """Vectorised sums must count what the tables' metrics count: goals, refusals, shares."""
    ensemble = run_ensemble(variants(LIMITED), 1)
    figures = Figures(ensemble)
    goals = figures.goals()
    for name, scenario in ensemble.scenarios.items():
        result = simulate(scenario)
        summary = summarise(result.requests, scenario)
        ours = goals[goals["policy"] == name].iloc[0]
        for measure in ("submitted", "completed", "rejected", "starved", "slo_attainment"):
            assert ours[measure] == pytest.approx(summary[measure]), measure
        assert ours["request_goodput"] == pytest.approx(summary["request_goodput"])
        table = figures.percentiles("e2e_s", [50, 99])
        found = table.loc[table["policy"] == name, "value_s"].to_numpy()
        assert found * 1e3 == pytest.approx([summary["p50_e2el_ms"], summary["p99_e2el_ms"]])


def test_goals_of_tenants_add_up_to_those_of_all(limited: Ensemble) -> None:
    figures = Figures(limited, cut=40)
    whole, parts = figures.goals(), figures.goals("tenant")
    for measure in ("submitted", "completed", "rejected", "lost", "starved"):
        summed = parts.groupby("policy", sort=False)[measure].sum().to_numpy()
        np.testing.assert_allclose(summed, whole[measure])


def test_errors_are_those_of_the_estimation_tables() -> None:
    ensemble = run_ensemble({"sjf": variants(SMALL)["sjf"]}, 1)
    ours = Figures(ensemble).errors("sjf").set_index("compensator")
    theirs = estimation_table(simulate(ensemble.scenario)).set_index("compensator")
    for kind in ("none", "ema", "oracle"):
        assert ours.loc[kind, "mae"] == pytest.approx(theirs.loc[kind, "mae"])
        assert ours.loc[kind, "rmse"] == pytest.approx(theirs.loc[kind, "rmse"])
    change = Figures(ensemble).error_change("sjf").mean
    assert change == pytest.approx(theirs.loc["ema", "mae_change"])


def test_queues_over_time_are_the_queue_tables(limited: Ensemble) -> None:
    """The drawn mean must be that of the exact queues at each time, by tenant and in all."""
    course = queue_series(limited, points=50)
    mine = course[course["name"] == "sjf"]
    by_tenant = tenant_queue_series(limited, "sjf", points=50)
    scenario = limited.scenarios["sjf"]
    tables = [
        sample_queues(simulate(changed(scenario, seed=seed), engine="simpy").queues, mine["time_s"])
        for seed in SEEDS
    ]
    # arrivals and dispatches at the very instant of a sample may differ in the last bit
    expected = np.mean([table["(total)"] for table in tables], axis=0)
    assert np.abs(mine["mean"].to_numpy() - expected).max() < 1
    for tenant in scenario.tenant_names:
        expected = np.mean([table[tenant] for table in tables], axis=0)
        ours = by_tenant.loc[by_tenant["name"] == tenant, "mean"].to_numpy()
        assert np.abs(ours - expected).max() < 1
    assert (course["low"] <= course["mean"]).all()


def test_drift_is_the_mean_of_actual_over_estimated(limited: Ensemble) -> None:
    course = drift_series(limited, "fifo", windows=1)
    ratios: dict[str, list[float]] = {}
    for seed in SEEDS:
        table = simulate(changed(limited.scenarios["fifo"], seed=seed)).requests
        done = table[table["status"] == "finished"]
        ratio = done["counted_output_tokens"] / done["estimated_output_tokens"].clip(lower=1)
        for name, group in ratio.groupby(done["category"], observed=True):
            ratios.setdefault(str(name), []).extend(group)
    means = {name: np.mean(values) for name, values in ratios.items()}
    assert dict(zip(course["name"], course["mean"], strict=True)) == pytest.approx(means)


def test_percentiles_are_of_all_requests_and_change_in_pairs(limited: Ensemble) -> None:
    """An average of each replication's P99 would be another, wrong figure."""
    table = Figures(limited).percentiles("ttft_s", [99], "tenant")
    together = np.concatenate(
        [
            (run.outcomes.first_token_s - run.outcomes.arrival_s)[
                run.has_status("finished") & (run.workload.tenant == 1)
            ]
            for run in limited.runs["sjf"]
        ]
    )
    row = table[(table["policy"] == "sjf") & (table["group"] == "standard")].iloc[0]
    assert row["value_s"] == pytest.approx(np.percentile(together, 99))
    assert row["low_s"] <= row["value_s"] <= row["high_s"]
    assert row["change_low"] <= row["change"] <= row["change_high"]


def test_one_replication_has_no_interval() -> None:
    figures = Figures(run_ensemble(variants(SMALL), 1))
    assert figures.percentiles("e2e_s", [50])["low_s"].isna().all()
    assert figures.goals()["slo_attainment_low"].isna().all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((-0.33, -0.36, -0.31), "31–36 % faster"),
        ((0.05, 0.04, 0.06), "4–6 % slower"),
        ((0.05, -0.01, 0.11), "no difference can be told"),
        ((-0.2, np.nan, np.nan), "20 % faster, unsure"),
        ((np.nan, np.nan, np.nan), ""),
    ],
)
def test_verdict_says_no_more_than_the_interval(
    change: tuple[float, float, float], words: str
) -> None:
    assert latency_verdict(PairedChange(*change, 10)) == words


def test_warm_up_of_an_empty_start_is_found() -> None:
    """A steady queue fills at first; that must be cut and no more than half be lost."""
    phase = {"name": "steady", "requests": 1500, "mix": {"short_qa": 1.0}}
    phase["arrivals"] = {"kind": "poisson", "rate_rps": 2.0}
    base = load_scenario("paper-continuous", SMALL)
    found = warmup(run_ensemble({"fifo": changed(base, phases=[phase])}, 5))
    assert found.settled
    assert found.cut < 750


def test_traffic_is_generated_once_and_bounded() -> None:
    cache, scenario = TrafficCache(most_requests=500), load_scenario("paper", SMALL)
    first = cache.get(scenario, (1, 2))
    again = cache.get(changed(with_policy(scenario, "sjf"), engine__batch_size=4), (1, 2))
    assert all(one is other for one, other in zip(first, again, strict=True))
    cache.get(scenario, (3,))
    assert cache.get(scenario, (1,))[0] is not first[0]
    other = changed(scenario, estimator__unit="tokens")
    assert cache.get(other, (3,))[0].budgets.output_length.tolist() != (
        cache.get(scenario, (3,))[0].budgets.output_length.tolist()
    )


def test_what_cannot_run_is_one_line() -> None:
    with pytest.raises(InputError, match="variants must name at least one scenario, got none"):
        run_ensemble({}, 1)
    with pytest.raises(InputError, match="seeds must be >= 1, got 0"):
        run_ensemble({"fifo": load_scenario("paper", SMALL)}, 0)


def test_what_progress_raises_ends_the_experiment() -> None:
    def stop(share: float) -> None:
        assert 0 < share <= 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_ensemble({"fifo": load_scenario("paper", SMALL)}, 2, progress=stop)


def test_what_changes_nothing_is_said_to_be_the_same() -> None:
    """FIFO looks at no estimate: "−0 % to +0 %" would sound like something."""
    mine, other = (
        Figures(run_ensemble({"fifo": small(estimator={"compensator": {"kind": kind}})}, 3))
        for kind in ("ema", "none")
    )
    said = answer(
        mine,
        other,
        About(),
        policy="fifo",
        whom="everybody",
        metric="e2e_s",
        level=95.0,
        alternative="no compensation",
    ).text
    assert "no difference" in said
    assert said.endswith("the same.")
