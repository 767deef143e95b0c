"""Every registered classifier keeps the same promises."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.estimation.classifier import CLASSIFIERS
from tests.support.registered import example

NAMES = list(CLASSIFIERS)
KEYWORDS = [(), ("summary", "summarize"), ("code", "Architecture"), ("report",)]


@pytest.mark.parametrize("name", NAMES)
@given(st.text(max_size=200), st.integers(0, len(KEYWORDS) - 1))
def test_any_prompt_gets_a_category_that_exists_and_always_the_same(
    name: str, text: str, truth: int
) -> None:
    classifier = example(CLASSIFIERS[name])
    named = classifier.classify(text, truth, KEYWORDS)
    assert named in range(len(KEYWORDS))
    assert classifier.classify(text, truth, KEYWORDS) == named


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "report"])
def test_one_category_is_the_only_answer(name: str, text: str) -> None:
    for keywords in ([()], [("report",)]):
        assert example(CLASSIFIERS[name]).classify(text, 0, keywords) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_that_says_what_it_is_is_understood(name: str) -> None:
    prompts = ["What is DNS?", "Summarize this: a summary", "Explain the code", "A long report"]
    classifier = example(CLASSIFIERS[name])
    named = [classifier.classify(text, truth, KEYWORDS) for truth, text in enumerate(prompts)]
    assert named == [0, 1, 2, 3]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_survive_pickle_and_json(name: str) -> None:
    spec = example(CLASSIFIERS[name])
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert CLASSIFIERS[name].model_validate_json(spec.model_dump_json()) == spec
    assert CLASSIFIERS[name].model_json_schema()["properties"]["kind"]["const"] == name
