"""What a visitor waits for: the first page from its opening, and the picture after a move.

A studio is started in a process of its own, and Chromium opens it as a new visitor does, with
nothing in its cache; then the slider of the load is moved by its keys. Unlike ``explore.py`` this
counts all: server, network of the same machine, and a browser without a graphics card.

    python benchmarks/browser.py [--json] [--visits 7] [--moves 10]
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import Any

from figures import measured
from playwright.sync_api import sync_playwright

from tests.support.browser import ARGS, VIEWPORT, Server, find_chromium

LIMITS = {
    "headline_s_p50": 3.0,
    "headline_s_max": 3.0,
    "first_picture_s_p50": 3.0,
    "just_started_headline_s": 3.0,
}
TIMEOUT_MS = 60_000
NAMES = ("frame", "headline", "first_picture", "all_pictures")
CURVES = """() => [...document.querySelector('.js-plotly-plot').querySelectorAll('path.js-line')]
  .map((line) => line.getAttribute('d')).join()"""
DRAWN = """() => [...document.querySelectorAll('.ds-picture')]
  .every((picture) => picture.dataset.drawn === 'yes')"""
WATCH = """
window.painted = {};
const note = (name, shown) => {
  if (!shown || name in window.painted) return;
  window.painted[name] = null;
  requestAnimationFrame(() => setTimeout(() => { window.painted[name] = performance.now() }));
};
new MutationObserver(() => {
  note('frame', document.querySelector('[data-testid=stSidebar]'));
  note('headline', document.querySelector('[data-testid=stMetricValue]'));
  note('first_picture', document.querySelector('.ds-picture[data-drawn=yes]'));
  note('all_pictures', document.querySelector('.ds-picture') && (%s)());
}).observe(document, {subtree: true, childList: true, attributes: true});
"""
"""Milliseconds since the address was opened until each thing was painted, by the page's clock."""


def visit(browser: Any, url: str) -> dict[str, float]:
    """Open the first page as somebody who was never there; seconds until each thing is painted."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.add_init_script(WATCH % DRAWN)
    page.goto(url)
    page.wait_for_function("() => window.painted.all_pictures", timeout=TIMEOUT_MS)
    painted = page.evaluate("() => window.painted")
    context.close()
    return {name: painted[name] / 1e3 for name in NAMES}


def moved(browser: Any, url: str, moves: int) -> list[float]:
    """Move the load up by a step, again and again; milliseconds until the curves are others."""
    page = browser.new_context(viewport=VIEWPORT).new_page()
    page.goto(url)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=TIMEOUT_MS)
    spent = []
    for _ in range(moves):
        _idle(page)
        before = page.evaluate(CURVES)
        page.get_by_role("slider", name="Load").first.focus()
        started = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"(old) => ({CURVES})() !== old", arg=before, timeout=TIMEOUT_MS)
        spent.append(1e3 * (time.perf_counter() - started))
    page.context.close()
    return spent


def _idle(page: Any) -> None:
    """Wait until nothing is drawn or computed any more, the load sweep included."""
    page.wait_for_function(DRAWN, timeout=TIMEOUT_MS)
    page.locator("[class*=st-key-busy-]").wait_for(state="detached", timeout=TIMEOUT_MS)
    page.wait_for_timeout(500)


def measure(visits: int, moves: int) -> dict[str, Any]:
    """Start a studio, visit it and move its slider."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=ARGS)
        with Server.studio() as server:
            url = f"{server.url}/"
            cold = visit(browser, url)
            warm = [visit(browser, url) for _ in range(visits)]
            spent = moved(browser, url, moves)
        browser.close()
    found: dict[str, Any] = {}
    for name in NAMES:
        every = [seen[name] for seen in warm]
        found |= {f"{name}_s_p50": statistics.median(every), f"{name}_s_max": max(every)}
    found |= {f"just_started_{name}_s": value for name, value in cold.items()}
    found |= {"move_ms_p50": statistics.median(spent), "move_ms_max": max(spent)}
    return found | {"visits": visits, "moves": moves, "load_average": os.getloadavg()[0]}


if __name__ == "__main__":
    sys.exit(measured(measure, LIMITS, visits=7, moves=10))
