"""A page is calm and can be reached: little moves as it loads, few words, headings in order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from driftsched.experiments.papers import DRIFTSCHED, PAPERS
from tests.support.browser import Opener
from tests.support.pages import settled

DESK = {"width": 1440, "height": 900}
PAGES = (
    "run",
    "scenario",
    "drift_lab",
    "paper",
    *(f"paper?paper={name}" for name in PAPERS if name != DRIFTSCHED),
)
SHIFTS = """() => new Promise((go) => {
  let moved = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) moved += entry.value;
    go(moved);
  }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => go(moved), 1000);
})"""
WORDS = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  const words = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const apart = 'svg, canvas, [data-testid=stIconMaterial], details:not([open]) > :not(summary)';
    if (element.closest(apart) || !element.checkVisibility({ opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { top, bottom, width } = range.getBoundingClientRect();
    const seen = width > 1 && top < innerHeight && bottom > 0;
    if (seen) words.push(...node.textContent.match(/[\\p{L}\\p{N}][^\\s]*/gu) ?? []);
  }
  return words;
}"""


@pytest.mark.parametrize("name", PAGES)
def test_little_moves_little_is_to_be_read_and_it_is_heard_in_order(
    open_page: Opener, name: str
) -> None:
    """What jumps away under the mouse is clicked wrongly; a wall of words is not read.

    Whoever hears a page goes by its headings, and by Tab past dozens of chart buttons.
    """
    page = open_page(f"/{name}", viewport=DESK)
    settled(page)
    assert page.evaluate(SHIFTS) < 0.1
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
