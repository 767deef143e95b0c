"""A page is calm and can be reached: little moves as it loads, few words, headings in order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe

from driftsched.experiments.papers import DRIFTSCHED, PAPERS
from tests.support.browser import Opener
from tests.support.pages import SHIFT, WORDS, settled, stops_before_picture

PAGES = (
    "run",
    "compare?preset=busy-gpu&runs=@fifo,@sjf",
    "capacity",
    "sweep",
    "scenario",
    "drift_lab",
    "paper",
    *(f"paper?paper={name}" for name in PAPERS if name != DRIFTSCHED),
)
FORM = "scenario"
"""A page that is one form: its fields come before the pictures of what they give."""


@pytest.mark.parametrize(
    ("name", "width"), [*((name, 1440) for name in PAGES), ("drift_lab", 900), ("paper", 900)]
)
def test_little_moves_little_is_to_be_read_and_it_is_heard_in_order(
    open_page: Opener, name: str, width: int
) -> None:
    """What jumps away under the mouse is clicked wrongly; a wall of words is not read.

    Whoever hears a page goes by its headings, and by Tab past dozens of chart buttons.
    """
    scheme = "dark" if width < 1000 else "light"
    desk = {"width": width, "height": 900}
    page = open_page("/_stcore/health", viewport=desk, color_scheme=scheme)
    page.add_init_script(SHIFT)
    page.goto(f"{open_page.url}/{name}")
    settled(page)
    assert page.evaluate("window.shift") < 0.1
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
    words = page.evaluate(WORDS)
    assert 20 < len(words) <= 120, " ".join(words)
    levels = page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => +tagName[1])"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    tools = page.locator(".modebar-btn")
    assert tools.count() > 0
    assert {tool.get_attribute("tabindex") for tool in tools.all()} == {"-1"}
    unnamed = page.locator(
        ".ds-picture .ds-plot:not([aria-label]), .ds-live figure:not([aria-label])"
    )
    assert unnamed.count() == 0
    if name != FORM:
        assert stops_before_picture(page) <= 6
