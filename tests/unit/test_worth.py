"""What an estimate is worth: the same requests, pairs of replications, one sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import InputError
from driftsched.estimation.predictors.prompt_regression import PromptRegressionConfig
from driftsched.experiments import compare
from driftsched.experiments.worth import MEASURES, estimators, pays, worth
from driftsched.results import paired_change
from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.workload import generate
from driftsched.workload.budgets import prepare_budgets

SEEDS = 3


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("paper", ["phases.0.requests=100", "phases.1.requests=300"])


@pytest.fixture(scope="module")
def table(scenario: Scenario) -> pd.DataFrame:
    asked = estimators(scenario, compensators=["hierarchical"], taus=[0.5, 1.0], sigmas=[0.4])
    return worth(asked, ["fifo", "sjf"], SEEDS)


def row(table: pd.DataFrame, policy: str, estimate: str, measure: str = "mean_s") -> pd.Series:
    found = table[(table["policy"] == policy) & (table["estimate"] == estimate)]
    return found[found["measure"] == measure].iloc[0]


def test_every_estimate_is_there_once(table: pd.DataFrame) -> None:
    names = ["today", "none", "hierarchical", "τ 0.5", "τ 1", "σ 0.4", "oracle"]
    assert list(dict.fromkeys(table["estimate"])) == names
    assert len(table) == 2 * len(names) * len(MEASURES)


def test_fifo_serves_the_same_requests_in_the_same_order(table: pd.DataFrame) -> None:
    """Else a change of estimator would have changed the requests too."""
    fifo = table[table["policy"] == "fifo"]
    assert (fifo[["change", "change_low", "change_high"]] == 0).all(axis=None)
    assert "does not look at estimates" in pays(table, "fifo")


def test_a_perfect_prediction_is_the_oracle(table: pd.DataFrame) -> None:
    for measure in MEASURES:
        columns = ["tau", "value", "low", "high", "change"]
        one, other = (row(table, "sjf", name, measure)[columns] for name in ("τ 1", "oracle"))
        assert one.equals(other)
    assert row(table, "sjf", "oracle")["tau"] == pytest.approx(1)
    assert row(table, "sjf", "oracle")["change_high"] < 0


def test_figures_are_those_of_a_comparison_paired_by_seed(
    scenario: Scenario, table: pd.DataFrame
) -> None:
    none = changed(scenario, estimator__compensator={"kind": "none"})
    today, other = (compare(one, ["sjf"], SEEDS) for one in (scenario, none))
    names = {"mean_s": "mean_e2el_ms", "p99_s": "p99_e2el_ms", "goodput_rps": "request_goodput"}
    for measure, metric in names.items():
        before, after = (one.values("sjf", metric) for one in (today, other))
        found, unit = row(table, "sjf", "none", measure), 1 if measure == "goodput_rps" else 1000
        assert found["value"] == pytest.approx(after.mean() / unit)
        change = paired_change(before, after)
        ends = [found["change"], found["change_low"], found["change_high"]]
        assert ends == pytest.approx([change.mean, change.low, change.high])


def test_the_regression_is_fitted_to_requests_that_are_not_run(scenario: Scenario) -> None:
    """Else it would have seen the answers that it is to predict."""
    asked = estimators(scenario, predictors=["prompt_regression"], replications=SEEDS)
    other = scenario.seed + SEEDS
    known = prepare_budgets(scenario, generate(scenario, other), other)
    lengths = known.base_tokens, known.prompt_length, known.output_length
    spec = asked["prompt_regression"].estimator.predictor
    assert spec == PromptRegressionConfig.fitted(*lengths)
    assert asked["prompt_regression"].estimator.compensator == scenario.estimator.compensator


def told(**changes: tuple[float, float, float]) -> str:
    rows = [("today", 0.5, 0.0, 0.0, 0.0)]
    rows += [(name.replace("_", " "), 0.9, *change) for name, change in changes.items()]
    names = ["estimate", "tau", "change", "change_low", "change_high"]
    frame = pd.DataFrame(rows, columns=names)
    return pays(frame.assign(policy="sjf", measure="mean_s", pairs=5), "sjf")


def test_the_sentence_says_what_the_intervals_allow() -> None:
    gain, loss, none = (-0.2, -0.3, -0.1), (0.2, 0.1, 0.3), (0.0, -0.1, 0.1)
    said = told(oracle=gain, **{"τ_0.3": none, "τ_0.6": gain, "τ_0.8": gain})
    assert "**would pay**: with perfect estimates mean latency is 10–30 % lower" in said
    assert said.endswith("(Kendall's τ 0.50); τ 0.6 is enough for 10–30 % lower.")
    also = told(oracle=gain, log_ema=gain)
    assert also.endswith("(Kendall's τ 0.50); log ema brings 10–30 % lower.")
    assert told(oracle=gain, **{"τ_0.8": none}).endswith(
        "none with noise, up to τ 0.8, is known to."
    )
    assert "**would not pay**: with perfect estimates" in told(oracle=loss)
    unsure = told(oracle=none)
    assert "**not known to pay**" in unsure
    assert unsure.endswith("between −10 % and +10 %.")
    assert "nobody has a goal to miss" in told(oracle=(np.nan, np.nan, np.nan))
    assert told() == "Today's estimates are perfect: no predictor is better."
    assert "One replication cannot tell" in told(oracle=(-0.2, np.nan, np.nan))


def test_requests_that_depend_on_the_policy_are_refused() -> None:
    """Who waits long asks less there, and would make a bad estimate look good."""
    with pytest.raises(InputError, match="must have open arrivals"):
        estimators(load_scenario("closed-loop"))


def test_unknown_names_are_refused_before_anything_runs(scenario: Scenario) -> None:
    for wrong in ("", "best"):
        with pytest.raises(InputError, match=r"polic.* must "):
            worth({"today": scenario}, wrong.split())
    with pytest.raises(InputError, match="predictor must be one of"):
        estimators(scenario, predictors=["psychic"])
