"""What a visitor's browser shows of a page of the studio."""

from __future__ import annotations

from typing import Any

from driftsched.studio.page import PAGES

__all__ = [
    "SHIFT",
    "TITLES",
    "WORDS",
    "assert_page",
    "errors_shown",
    "page_names",
    "settled",
    "stops_before_picture",
    "widest",
]

TITLES = {file.removesuffix(".py"): title for file, title, _ in PAGES}

# No script runs, nothing is stale, the page says of no work that it is under way (it would change
# by itself), and every plot that is not folded away has been drawn.
QUIET = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const all = (selector) => [...document.querySelectorAll(selector)];
  return app?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
    && document.querySelector('[data-testid=stMainBlockContainer] h1') !== null
    && document.querySelector(
      '[data-testid=stProgress], [data-testid=stSpinner], [class*=st-key-busy-]') === null
    && all('.ds-picture').every((p) => p.dataset.drawn === 'yes' || p.offsetParent === null)
    && all('.ds-live [data-panel]').every((panel) => panel.querySelector('.main-svg'));
}"""

# In the page from its start on: how much moved by itself.
SHIFT = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""

# All words in sight, those of the sidebar too.
WORDS = """() => {
  const words = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const around = walk.currentNode.parentElement, range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    const {top, bottom, width} = range.getBoundingClientRect();
    const seen = around.checkVisibility({opacityProperty: true, visibilityProperty: true});
    const apart = around.closest('script, style, svg, [role=img], [data-testid=stIconMaterial], '
      + '[data-testid=stSkipToContent], [data-testid=stSliderTickBar]');
    if (seen && !apart && width && top < innerHeight && bottom > 0) {
      words.push(...walk.currentNode.textContent.trim().split(/\\s+/).filter(Boolean));
    }
  }
  return words;
}"""

# The focus is past the beginning of the first picture.
PASSED = """() => {
  const at = document.activeElement, plot = document.querySelector('.ds-picture, .ds-live');
  const after = plot.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING;
  return at === plot || Boolean(after);
}"""

# What was just pressed or drawn may start another run: its message has been sent, after the delay
# that widgets have of their own, and the server has come to it, since it answers what came later.
HEARD = """async () => {
  const soon = (ms) => new Promise((go) => setTimeout(() => requestIdleCallback(go), ms));
  await soon(400);
  await fetch('/_stcore/health');
  await soon(0);
}"""


def page_names() -> list[str]:
    """Names of all pages, as their addresses have them, in the order of the navigation."""
    return [*TITLES]


def assert_page(page: Any, name: str) -> None:
    """The page has its frame, its heading and its result, and shows no error."""
    settled(page)
    assert page.locator("h1").first.inner_text() == TITLES[name]
    assert page.title() == f"{TITLES[name]} · DriftSched Studio"
    assert errors_shown(page) == []
    links = page.get_by_test_id("stSidebarNavLink")
    assert [text.strip().splitlines()[-1] for text in links.all_inner_texts()] == [*TITLES.values()]


def settled(page: Any) -> None:
    """Wait until the page has its result: the script and its job have ended, all is drawn."""
    page.wait_for_function(QUIET)
    page.evaluate(HEARD)
    page.wait_for_function(QUIET)


def errors_shown(page: Any) -> list[str]:
    """Give the texts of exceptions, error boxes and charts that cannot be drawn."""
    boxes = page.locator(
        "[data-testid=stException], [data-testid=stAlertContentError], .ds-problem:visible"
    )
    return [str(text) for text in boxes.all_inner_texts()]


def stops_before_picture(page: Any) -> int:
    """How often Tab is pressed in vain on the way to the first picture.

    The first stop is the link past the menu, which is taken: pages are many.
    """
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to main content"
    page.keyboard.press("Enter")
    stops = 0
    while not page.evaluate(PASSED):
        page.keyboard.press("Tab")
        stops += 1
    return stops


def widest(page: Any) -> tuple[int, int]:
    """Give the width of the page's content and of the window, in pixels."""
    script = """() => {
      const main = document.querySelector('[data-testid=stMain]');
      const wide = Math.max(document.documentElement.scrollWidth, main.scrollWidth);
      return [wide, Math.max(window.innerWidth, main.clientWidth)];
    }"""
    wide, window = page.evaluate(script)
    return int(wide), int(window)
