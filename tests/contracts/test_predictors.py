"""Every registered predictor keeps the same promises."""

from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.core.config import MOST
from driftsched.estimation.predictors import PREDICTORS, Seen
from driftsched.scenario import Scenario
from driftsched.workload import generate
from driftsched.workload.budgets import prepare_budgets
from tests.support.registered import example
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small, with_predictions

NAMES = list(PREDICTORS)
lengths = st.integers(1, 10**6)
rows = st.lists(
    st.tuples(lengths, lengths, lengths, lengths | st.just(np.nan)), min_size=1, max_size=40
)


def predicted_by(kind: str) -> Scenario:
    return small(estimator={"predictor": {"kind": kind}}, policy={"kind": "sjf"})


@pytest.mark.parametrize("name", NAMES)
@given(rows, st.integers(0, 5))
def test_any_table_gets_lengths_above_0_and_the_same_for_the_same_draws(
    name: str, drawn: list[tuple[int, int, int, float]], seed: int
) -> None:
    """A length of 0, or none, would be a budget that no scheduler can use."""
    seen = Seen(*np.array(drawn, np.float64).T)
    one, other = (
        example(PREDICTORS[name]).typical(seen, np.random.default_rng(seed)) for _ in range(2)
    )
    assert one.shape == (len(drawn),)
    assert (one > 0).all()
    assert np.isfinite(one).all()
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_only_foresight_looks_at_answers(name: str) -> None:
    spec, n = example(PREDICTORS[name]), 50
    told = [
        spec.typical(Seen(np.full(n, 90.0), np.arange(1.0, n + 1), answer, np.full(n, 7.0)), rng)
        for answer in (np.full(n, 5.0), np.full(n, 5000.0))
        for rng in [np.random.default_rng(1)]
    ]
    assert np.array_equal(*told) != spec.foresight


@pytest.mark.parametrize("name", NAMES)
def test_it_changes_budgets_and_no_other_draw(name: str) -> None:
    """Otherwise predictors would be compared on other requests."""
    base, mine = predicted_by("category"), predicted_by(name)
    one, other = (with_predictions(generate(scenario)) for scenario in (base, mine))
    for field in fields(one):
        same = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(*same, equal_nan=field.name == "predicted_tokens"), field.name
    budgets = prepare_budgets(mine, other)
    assert budgets.base_tokens.dtype == np.int64
    assert budgets.base_tokens.min() >= 1
    assert budgets.base_tokens.max() <= MOST
    first = prepare_budgets(base, one)
    for column in ("predicted", "prompt_length", "output_length", "safety_factor"):
        assert np.array_equal(getattr(budgets, column), getattr(first, column)), column


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_described_and_survive_pickle_and_json(name: str) -> None:
    spec = example(PREDICTORS[name])
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert PREDICTORS[name].model_validate_json(spec.model_dump_json()) == spec
    schema = PREDICTORS[name].model_json_schema()
    assert schema["properties"]["kind"]["const"] == name
    for field, described in schema["properties"].items():
        assert field == "kind" or described.get("description"), field
    assert spec.label
    assert spec.rule
    assert spec.source


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("name", NAMES)
def test_both_engines_give_the_same_tables(name: str, mode: str) -> None:
    scenario = predicted_by(name)
    engine = scenario.engine.model_copy(update={"mode": mode, "batch_size": 3})
    scenario = scenario.model_copy(update={"engine": engine})
    assert_engines_agree(scenario, with_predictions(generate(scenario)))
