"""What each predictor says, against numbers worked out by hand or by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from driftsched.core.errors import ScenarioError
from driftsched.estimation.predictors import Seen
from driftsched.estimation.predictors.bucket_classifier import PUBLISHED, BucketClassifierConfig
from driftsched.estimation.predictors.length_buckets import LengthBucketsConfig
from driftsched.estimation.predictors.noisy_oracle import NoisyOracleConfig
from driftsched.estimation.predictors.prompt_regression import PromptRegressionConfig
from driftsched.estimation.predictors.refined import RefinedConfig, refined_length
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate
from driftsched.workload import generate
from driftsched.workload.budgets import prepare_budgets
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

MANY = 40_000


def answers(*lengths: float) -> Seen:
    one = np.ones(len(lengths))
    return Seen(100 * one, 10 * one, np.array(lengths))


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def lognormal(spread: float) -> Seen:
    return answers(*np.random.default_rng(1).lognormal(5, spread, MANY).tolist())


def test_a_power_of_the_prompt() -> None:
    spec = PromptRegressionConfig(slope=0.5, centre=100)
    seen = Seen(np.array([60.0, 60.0, 10.0]), np.array([100.0, 400.0, 25.0]), np.ones(3))
    np.testing.assert_allclose(spec.typical(seen, rng()), [60, 120, 5])


def test_a_fit_finds_the_power_in_spite_of_noise_and_bases() -> None:
    draw = np.random.default_rng(2)
    base, prompt = draw.choice([64.0, 512.0], MANY), draw.lognormal(5, 0.8, MANY)
    answer = 0.6 * base * (prompt / 50) ** 0.3 * draw.lognormal(0, 0.6, MANY)
    spec = PromptRegressionConfig.fitted(base, prompt, answer)
    assert spec.slope == pytest.approx(0.3, abs=0.01)
    assert spec.centre == pytest.approx(np.exp(5), rel=0.02)
    assert PromptRegressionConfig.fitted(*answers(5, 9)[:3]).slope == 0


def test_buckets_are_named_as_often_as_they_should() -> None:
    sure = LengthBucketsConfig(accuracy=1, unknown_share=0)
    assert sure.typical(answers(1, 640, 641, 9000), rng()).tolist() == [100, 100, 4096, 4096]
    spec = LengthBucketsConfig(accuracy=0.7, unknown_share=0.25)
    for answer, right in ((10.0, 100), (9000.0, 4096)):
        said = spec.typical(answers(*[answer] * MANY), rng())
        assert (said == 1000).mean() == pytest.approx(0.25, abs=0.01)
        assert (said == right).mean() == pytest.approx(0.7 * 0.75, abs=0.01)


@pytest.mark.parametrize("row", range(5))
def test_classes_are_named_as_published(row: int) -> None:
    spec = BucketClassifierConfig()
    answer = (20.0, 100.0, 200.0, 400.0, 900.0)[row]
    said = spec.typical(answers(*[answer] * MANY), rng())
    middles = np.sort(
        BucketClassifierConfig(accuracy=1).typical(answers(1, 99, 200, 400, 900), rng())
    )
    shares = [(np.isclose(said, middle)).mean() for middle in middles]
    np.testing.assert_allclose(shares, PUBLISHED[row] / PUBLISHED[row].sum(), atol=0.012)


def test_an_accuracy_is_that_of_every_class_and_its_middle_lies_inside() -> None:
    matrix = BucketClassifierConfig(accuracy=0.9).confusion
    np.testing.assert_allclose(np.diag(matrix), 0.9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    said = BucketClassifierConfig(accuracy=1).typical(answers(41, 42, 140, 500, 503), rng())
    np.testing.assert_allclose(said, [22.2, 75.8, 75.8, 384.2, 656.0], atol=0.1)
    with pytest.raises(ValueError, match="ascend, got 5, 4, 6, 7"):
        BucketClassifierConfig(edges=(5, 4, 6, 7))


@pytest.mark.parametrize("tau", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("spread", [0.4, 1.2])
def test_noise_has_the_rank_correlation_asked_for(tau: float, spread: float) -> None:
    """The identity of the bivariate normal, against a count of pairs."""
    seen = lognormal(spread)
    said = NoisyOracleConfig(tau=tau).typical(seen, rng())
    assert kendalltau(seen.answer, said).statistic == pytest.approx(tau, abs=0.01)


def test_noise_has_the_size_asked_for_and_none_is_the_truth() -> None:
    seen = lognormal(1.0)
    off = np.log(NoisyOracleConfig(sigma=0.4).typical(seen, rng()) / seen.answer)
    assert (off.mean(), off.std()) == (pytest.approx(0, abs=0.01), pytest.approx(0.4, abs=0.01))
    for spec in (NoisyOracleConfig(sigma=0), NoisyOracleConfig(tau=1)):
        np.testing.assert_allclose(spec.typical(seen, rng()), seen.answer)


def test_published_ranks_are_met() -> None:
    """LMSYS lengths: τ .79, .64 and .57 at σ .4, .8 and 1.0 are those of a spread of 1.2."""
    seen = lognormal(1.2)
    for sigma, tau in ((0.4, 0.79), (0.8, 0.64), (1.0, 0.57)):
        said = NoisyOracleConfig(sigma=sigma).typical(seen, rng())
        assert kendalltau(seen.answer, said).statistic == pytest.approx(tau, abs=0.02)


def test_a_traces_predictions_count_and_the_categorys_budget_where_there_is_none(
    tmp_path: Path,
) -> None:
    """In words as in tokens, whatever drifts, and whatever the answer was."""
    file = tmp_path / "trace.csv"
    file.write_text(
        "req_time,client,prompt_len,output_len,predicted_tokens\n0,a,9,50,80\n1,b,9,70,\n"
    )
    for unit, ratio in (("tokens", 1.0), ("words", 0.75)):
        told = load_scenario(
            "paper",
            [
                "phases=[]",
                f"trace={{file: '{file}'}}",
                f"estimator.unit={unit}",
                "estimator.predictor.kind=column",
                "categories.0.words_per_token=0.75",
            ],
        )
        assert prepare_budgets(told, generate(told)).base_tokens.tolist() == [80 * ratio, 64]


def test_without_predictions_the_column_is_one_line() -> None:
    scenario = load_scenario("paper", ["estimator.predictor.kind=column"])
    with pytest.raises(ScenarioError, match="must not be column where traffic has no predictions"):
        simulate(scenario)


def test_every_seed_draws_its_own_noise() -> None:
    scenario = load_scenario("paper", ["estimator.predictor.kind=noisy_oracle"])
    workload = generate(scenario)
    bases = [prepare_budgets(scenario, workload, seed).base_tokens for seed in (None, 1, 2)]
    assert np.array_equal(bases[0], bases[1])
    assert not np.array_equal(bases[1], bases[2])


lengths = st.integers(1, 5000)


@given(lengths, lengths, st.integers(1, 300), st.floats(0.05, 1), st.data())
def test_each_look_at_an_answer_errs_less_about_what_is_left(
    estimate: int, length: int, every: int, kept: float, data: st.DataObject
) -> None:
    """In relative terms by the factor asked for, hence also in tokens; and never in between."""
    given_tokens = data.draw(st.integers(0, length))
    said = refined_length(estimate, length, length, given_tokens, every, kept)
    seen = given_tokens // every * every
    assert said == refined_length(estimate, length, length, seen, every, kept)
    assert said >= seen or seen == 0
    left = length - seen
    off = abs(np.log(estimate / length)) * kept ** (seen // every)
    assert left * np.exp(-off) - 1 <= said - seen <= left * np.exp(off) + 1
    later = min(seen + every, length)
    next_said = refined_length(estimate, length, length, later, every, kept)
    assert abs(next_said - length) <= abs(said - length) + 1


def test_what_is_left_is_known_as_well_as_published() -> None:
    """TRAIL: over a decoding, a mean absolute error 2.66 times below that of the first guess."""
    draw, spec = np.random.default_rng(1), RefinedConfig(sigma=0.5)
    first = again = 0.0
    for length in draw.lognormal(np.log(180), 1.0, 400).astype(int) + 1:
        guess = int(length * np.exp(spec.sigma * draw.standard_normal()) + 1)
        for so_far in range(0, int(length), 10):
            now = refined_length(guess, int(length), int(length), so_far, *spec.refinement)
            first += abs(max(guess - so_far, 0) - (length - so_far))
            again += abs(max(now - so_far, 0) - (length - so_far))
    assert 2 < first / again < 4


@pytest.mark.parametrize("unit", ["words", "tokens"])
@pytest.mark.parametrize(
    ("policy", "engine"),
    [
        ("srpt", {"kv": "reserve"}),
        ("srpt", {"kv": "paged"}),
        ("fifo", {"kv": "paged", "admit": "past_future"}),
    ],
)
def test_looking_again_decides_otherwise_and_alike_in_both_engines(
    policy: str, engine: dict[str, str], unit: str
) -> None:
    """The first guesses are the same: only what has run is judged anew."""
    long = {"kind": "lognormal", "mu": 5, "sigma": 0.6}
    base, tables = small(), []
    category = base.categories[0].model_dump() | {"max_output_tokens": 600, "output_tokens": long}
    for predictor in ({"kind": "noisy_oracle"}, {"kind": "refined", "every_tokens": 5}):
        scenario = small(
            categories=[category],
            policy={"kind": policy},
            engine={"mode": "continuous", "batch_size": 16, **engine},
            cluster={"memory_utilisation": 0.2012},
            estimator={"unit": unit, "predictor": {"sigma": 1.0, **predictor}},
        )
        tables.append(assert_engines_agree(scenario).requests)
    one, other = tables
    assert one["base_tokens"].equals(other["base_tokens"])
    assert not one["finish_s"].equals(other["finish_s"])


def test_a_perfect_prediction_decides_as_the_oracle_does() -> None:
    """Also where the estimator multiplies by factors: they are the same for both."""
    plain = ["policy.kind=sjf", "estimator.input_factor.cap=1", "estimator.compensator.kind=none"]
    plain += [f"tenants.{place}.safety_factor=1" for place in range(3)]
    told = load_scenario("paper", [*plain, "estimator.predictor={kind: noisy_oracle, sigma: 0}"])
    oracle = load_scenario("paper", [*plain, "estimator.compensator.kind=oracle"])
    one, other = (simulate(scenario).requests for scenario in (told, oracle))
    assert one["finish_s"].equals(other["finish_s"])
    assert not one["finish_s"].equals(simulate(load_scenario("paper", plain)).requests["finish_s"])
