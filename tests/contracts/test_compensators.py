"""Every registered compensator keeps the same promises."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.estimation.compensators import COMPENSATORS, Compensator
from driftsched.scenario import changed
from driftsched.scheduling.request import Request
from driftsched.simulation import simulate
from tests.support.registered import example
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

NAMES = list(COMPENSATORS)
CATEGORIES = 3
BASE = 100
Row = tuple[int, int]  # category, actual length
rows = st.lists(st.tuples(st.integers(0, CATEGORIES - 1), st.integers(1, 5000)), max_size=60)


def build(name: str) -> Compensator:
    compensator: Compensator = example(COMPENSATORS[name]).build(CATEGORIES, 1)
    return compensator


def request(number: int, category: int, actual: int) -> Request:
    return Request(number, 0, 1, category, 0.0, 10, actual, actual, 10, actual, BASE, float(BASE))


def learnt(compensator: Compensator, drawn: Sequence[Row]) -> list[float]:
    biases = []
    for number, (category, actual) in enumerate(drawn):
        one = request(number, category, actual)
        biases.append(compensator.predict_one(one))
        biases.append(compensator.learn_one(one, actual / BASE))
    return biases


@pytest.mark.parametrize("name", NAMES)
@given(rows)
def test_a_bias_is_always_a_positive_number(name: str, drawn: list[Row]) -> None:
    """A zero, negative or undefined bias would give budgets that no scheduler can use."""
    assert all(math.isfinite(bias) and bias > 0 for bias in learnt(build(name), drawn))


@pytest.mark.parametrize("name", NAMES)
@given(rows)
def test_learning_is_deterministic(name: str, drawn: list[Row]) -> None:
    assert learnt(build(name), drawn) == learnt(build(name), drawn)


@pytest.mark.parametrize("name", NAMES)
@given(rows)
def test_a_compensator_changes_no_request(name: str, drawn: list[Row]) -> None:
    compensator = build(name)
    for number, (category, actual) in enumerate(drawn):
        one = request(number, category, actual)
        before = {slot: getattr(one, slot) for slot in Request.__slots__}
        compensator.predict_one(one)
        compensator.learn_one(one, actual / BASE)
        after = {slot: getattr(one, slot) for slot in Request.__slots__}
        assert repr(after) == repr(before)


@pytest.mark.parametrize("name", NAMES)
def test_before_the_first_lesson_it_predicts_whatever_the_category(name: str) -> None:
    for category in range(CATEGORIES):
        assert build(name).predict_one(request(0, category, BASE)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_estimates_of_a_steady_stream_are_no_worse_than_without(name: str) -> None:
    """Where every answer has 60 % of its base, whatever learns must not move away from that."""
    compensator = build(name)
    for number in range(300):
        one = request(number, 0, 60)
        last = compensator.predict_one(one)
        compensator.learn_one(one, 0.6)
    assert abs(last * BASE - 60) <= 40 + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_state_and_parameters_survive_pickle(name: str) -> None:
    spec = example(COMPENSATORS[name])
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert COMPENSATORS[name].model_validate_json(spec.model_dump_json()) == spec
    compensator = build(name)
    learnt(compensator, [(0, 50), (1, 300), (0, 70)])
    again = pickle.loads(pickle.dumps(compensator))
    more = [(0, 90), (1, 20), (2, 100)]
    assert learnt(again, more) == learnt(compensator, more)


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("name", NAMES)
def test_both_engines_give_the_same_tables(name: str, mode: str) -> None:
    """Otherwise what it learns would depend on which engine happened to run."""
    if not COMPENSATORS[name].simpy_only:
        scenario = small(estimator={"compensator": {"kind": name}}, policy={"kind": "sjf"})
        assert_engines_agree(changed(scenario, engine__mode=mode, engine__batch_size=3))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_described(name: str) -> None:
    schema = COMPENSATORS[name].model_json_schema()
    assert schema["properties"]["kind"]["const"] == name
    for field, described in schema["properties"].items():
        assert field == "kind" or described.get("description"), field


@pytest.mark.parametrize("name", NAMES)
def test_a_run_learns_once_from_each_finished_request(name: str) -> None:
    scenario = small(estimator={"compensator": {"kind": name}})
    result = simulate(scenario)
    finished = (result.requests["status"] == "finished").sum()
    assert len(result.learning) == finished == 200
    assert result.learning.equals(simulate(scenario).learning)


@pytest.mark.parametrize("name", NAMES)
def test_both_engines_know_cut_answers(name: str) -> None:
    """What a cut answer says is one rule, and so are estimates that end at the maximum."""
    base = small()
    category = base.categories[0].model_dump() | {"max_output_tokens": 45}
    estimator = {"unit": "tokens", "censoring": True, "compensator": {"kind": name}}
    result = assert_engines_agree(small(categories=[category], estimator=estimator))
    cut = result.requests["output_tokens"] == result.requests["max_output_tokens"]
    assert 0.05 < cut.mean() < 0.95
    assert (result.requests["estimated_output_tokens"] <= 45).all()
