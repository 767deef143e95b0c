"""Prompt texts: templates for any category, and how often the paper's classifier errs on them."""

from __future__ import annotations

import numpy as np
import pytest

from driftsched.estimation.classifier import Keyword
from driftsched.scenario import Scenario, load_scenario
from driftsched.workload import generate, prompt_book
from driftsched.workload.prompts import PAPER_TEMPLATES, TOPICS, templates_for


def misclassified(scenario: Scenario) -> float:
    workload = generate(scenario)
    keywords = [category.keywords for category in scenario.categories]
    named = np.array([Keyword().classify(text, 0, keywords) for text in workload.prompts])
    return float((named[workload.prompt_id] != workload.category).mean())


@pytest.mark.parametrize(("leak", "low", "high"), [("true", 0.0, 0.03), ("false", 0.10, 0.30)])
def test_leak_decides_how_often_the_keyword_classifier_errs(
    leak: str, low: float, high: float
) -> None:
    """Wrong templates would make classification perfect without the leak, or poor with it."""
    share = misclassified(load_scenario("paper", [f"prompts.leak={leak}"]))
    assert low <= share <= high


def test_every_text_is_distinct_and_complete() -> None:
    """A doubled text would make two prompt ids one; a brace left over would reach a live engine."""
    book = prompt_book(load_scenario("paper").categories, leak=False)
    assert len(set(book.prompts)) == len(book.prompts) == 4 * 5 * len(TOPICS)
    assert not [text for text in book.prompts if "{" in text or "}" in text]
    assert len(TOPICS) == len(set(TOPICS)) == 60


def test_words_are_those_of_the_text() -> None:
    """Wrong counts would shift every budget counted in words."""
    book = prompt_book(load_scenario("paper").categories, leak=True)
    assert book.words.tolist() == [len(text.split()) for text in book.prompts]
    for start, stop in zip(book.first, book.first[1:], strict=False):
        assert len(set(book.words[start:stop].tolist())) >= 5, "templates must differ in length"


def test_leak_names_the_category_in_words() -> None:
    """The published generator writes the job type; underscores would hide it."""
    leaky = prompt_book(load_scenario("paper").categories, leak=True)
    assert leaky.prompts[0].endswith(" Job type: short qa.")
    assert "Job type" not in prompt_book(load_scenario("paper").categories, leak=False).prompts[0]


def test_generic_templates_hold_a_key_word_each() -> None:
    """A user's category whose prompts lack its key words would never be recognised."""
    templates = templates_for("poem", ["a sonnet", "{odd} word"])
    assert len(templates) == 5
    assert all("a sonnet" in text or "{odd} word" in text for text in templates)
    assert all("{topic}" in text for text in templates)


def test_generic_templates_without_key_words_hold_none_of_the_papers() -> None:
    """Plain prompts that said "report" would be taken for another category."""
    paper_words = [w for c in load_scenario("paper").categories for w in c.keywords]
    for text in (*templates_for("poem"), *templates_for("poem", ["zzz"])):
        assert not [word for word in paper_words if word in text.lower()]


def test_each_paper_category_has_five_templates_and_one_without_key_word() -> None:
    """Without a silent template the classifier would never err on the category."""
    for category in load_scenario("paper").categories:
        templates = PAPER_TEMPLATES[category.name]
        silent = [t for t in templates if not any(w in t.lower() for w in category.keywords)]
        assert len(templates) == 5
        assert len(silent) == (1 if category.keywords else 5)
