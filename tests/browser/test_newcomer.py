"""Questions that no preset asks, by somebody new: few actions, no scrolling.

Each step is one action: a choice, a number, or a slider moved. The answer must then be in sight.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.browser import Opener
from tests.support.pages import errors_shown, settled

SCREEN = {"width": 1440, "height": 900}
MOST_ACTIONS = 3
Step = Callable[[Any], object]


def pick(box: str, option: str) -> Step:
    def act(page: Any) -> None:
        page.get_by_role("combobox", name=box, exact=True).first.click()
        page.get_by_role("option", name=option, exact=True).click()

    return act


def slide(name: str, steps: int) -> Step:
    def act(page: Any) -> None:
        page.get_by_role("slider", name=name).first.focus()
        for _ in range(steps):
            page.keyboard.press("ArrowRight")

    return act


def number(name: str, value: str) -> Step:
    def act(page: Any) -> None:
        box = page.get_by_role("spinbutton", name=name)
        box.fill(value)
        box.press("Enter")

    return act


def press(role: str, name: str) -> Step:
    return lambda page: page.get_by_role(role, name=name, exact=True).first.click()


def escape(page: Any) -> None:
    page.keyboard.press("Escape")


QUESTIONS: dict[str, tuple[list[Step], str]] = {
    "premium's P99 at a fifth more load, FIFO against SJF": (
        [pick("Percentile", "P99"), slide("Load", 2)],
        r"FIFO, over \d.* s",
    ),
    "when a drift at 200 s has been learnt": (
        [slide("Drift", 3), number("from (s)", "200"), press("tab", "Drift")],
        r"back within 10 % .* after \d+ requests",
    ),
    "who pays for Weighted": ([press("tab", "Tenants")], r"Weighted standard .* slower"),
    "who gains most from Aging": ([press("tab", "Tenants")], r"Aging premium .* faster"),
    "batch's median first token under SJF": (
        [pick("Tenants", "batch"), pick("Measure", "First token"), pick("Percentile", "P50")],
        r"SJF, .* ms",
    ),
    "what a second GPU does for premium": (
        [slide("GPUs", 1)],
        r"serve premium faster .* P95 10\.3",
    ),
    "what EDF would do": (
        [press("button", "More"), press("button", "EDF"), escape],
        r"EDF, [\d.]+–[\d.]+ s",
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_newcomer_has_the_answer_in_three_actions_without_scrolling(
    open_page: Opener, question: str
) -> None:
    steps, answer = QUESTIONS[question]
    assert len(steps) <= MOST_ACTIONS
    page = open_page("/", viewport=SCREEN)
    settled(page)
    for act in steps:
        act(page)
        settled(page)
    said = page.get_by_text(re.compile(answer)).last
    said.wait_for()
    box = said.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= SCREEN["height"]
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    assert errors_shown(page) == []
