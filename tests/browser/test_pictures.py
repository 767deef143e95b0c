"""Finished charts in a real Chromium: they stay in their places and keep nothing else waiting."""

from __future__ import annotations

import gzip
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from driftsched.studio.front_end.script import PLOTLY_JS
from tests.support.browser import Opener, Server
from tests.support.pages import errors_shown, settled

ORDER = """
window.seen = [];
new MutationObserver(() => {
  for (const what of ['[data-testid=stMetricValue]', '.ds-picture .main-svg']) {
    if (document.querySelector(what) && !window.seen.includes(what)) window.seen.push(what);
  }
}).observe(document, {subtree: true, childList: true});
"""
CURVES = """() => [...document.querySelector('.ds-picture').querySelectorAll('path.js-line')]
  .map((line) => line.getAttribute('d'))"""
RANGE = "() => document.querySelector('.js-plotly-plot').layout.yaxis.range.map(Number)"
HIDDEN = """() => document.querySelector('.js-plotly-plot').calcdata
  .map(([first]) => first.trace).filter((trace) => trace.visible === 'legendonly')
  .map((trace) => trace.name)"""


def key(page: Any, times: int = 1) -> None:
    """Move the load up by its keys and wait for the whole picture."""
    for _ in range(times):
        before = page.url
        page.get_by_role("slider", name="Load").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_url(lambda url, old=before: url != old)
        settled(page)


def drag(page: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw a zoom box in the first plot, from and to pixels of its area."""
    area = page.locator(".js-plotly-plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + start[0], box["y"] + start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=5)
    page.mouse.up()


def test_the_headline_comes_before_any_plot(browser: Any, server: Server) -> None:
    """Loading plotly.js and drawing ten plots takes a second, which nobody should wait for."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(ORDER)
    page.goto(server.url)
    settled(page)
    assert page.evaluate("() => window.seen") == [
        "[data-testid=stMetricValue]",
        ".ds-picture .main-svg",
    ]
    context.close()


def test_plots_stay_with_zoom_and_hidden_lines_through_changes(open_page: Opener) -> None:
    """A plot made anew flickers and forgets what its reader did to it."""
    page = open_page("/")
    settled(page)
    page.evaluate("() => document.querySelectorAll('.js-plotly-plot').forEach((p) => p.old = true)")
    count = page.locator(".js-plotly-plot").count()
    plot = page.locator(".js-plotly-plot").first
    plot.locator(".legendtoggle").nth(1).click()
    # Plotly waits whether a second click comes; a drag begun meanwhile would take the first away.
    page.wait_for_function(f"() => ({HIDDEN})().length > 0")
    drag(page, (60, 30), (200, 110))
    page.wait_for_function(f"() => {{ const [a, b] = ({RANGE})(); return b - a < 60; }}")
    zoom, hidden = page.evaluate(RANGE), page.evaluate(HIDDEN)
    for _ in range(4):
        before = page.evaluate(CURVES)
        key(page)
        assert page.evaluate(CURVES) != before, "the plot must show the new figures"
    assert page.evaluate(RANGE) == zoom
    assert page.evaluate(HIDDEN) == hidden
    kept = "() => [...document.querySelectorAll('.js-plotly-plot')].filter((p) => p.old).length"
    assert page.evaluate(kept) == count == page.locator(".js-plotly-plot").count()
    assert errors_shown(page) == []


@pytest.fixture(scope="module")
def explore(browser: Any, server: Server) -> Iterator[Any]:
    """Explore in light colours, opened once for what leaves it usable."""
    opener = Opener(browser, server.url)
    page = opener("/", color_scheme="light")
    settled(page)
    yield page
    opener.close()
    assert opener.problems == []


def test_another_measure_is_not_seen_through_the_old_zoom(explore: Any) -> None:
    page = explore
    shown = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range"
    wide = page.evaluate(shown)
    drag(page, (60, 60), (200, 60))
    page.wait_for_function(f"(wide) => ({shown})()[0] > wide[0]", arg=wide)
    zoomed = page.evaluate(shown)
    page.get_by_role("combobox", name="Measure").click()
    page.get_by_role("option", name="Queue wait").click()
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot .xtitle').textContent.includes('wait')"
    )
    settled(page)
    assert page.evaluate(shown) != zoomed


def test_plots_take_the_colours_of_another_theme_at_once(explore: Any) -> None:
    page = explore
    ink = "() => getComputedStyle(document.querySelector('.js-plotly-plot .xtick text')).fill"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(old) => ({ink})() !== old", arg=light)


def test_a_plot_fills_the_screen_and_comes_back(explore: Any) -> None:
    page = explore
    plot = page.locator(".js-plotly-plot").first
    before = plot.bounding_box()
    plot.hover()
    plot.locator("[data-title='Full screen']").click()
    width = (
        "() => document.querySelector('.js-plotly-plot .main-svg').getBoundingClientRect().width"
    )
    page.wait_for_function(f"() => document.fullscreenElement && ({width})() > innerWidth * 0.9")
    plot.hover()
    plot.locator("[data-title='Full screen']").click()
    page.wait_for_function(
        f"(old) => !document.fullscreenElement && ({width})() <= old + 1", arg=before["width"]
    )


def test_the_camera_saves_what_was_chosen(explore: Any, tmp_path: Path) -> None:
    page = explore
    for choice, begins in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        page.get_by_test_id("stButtonGroup").get_by_text(choice, exact=True).click()
        settled(page)
        plot = page.locator(".js-plotly-plot").first
        plot.hover()
        with page.expect_download() as saved:
            plot.locator("[data-title^='Download plot']").click()
        path = tmp_path / choice
        saved.value.save_as(path)
        assert saved.value.suggested_filename.endswith(f".{choice.lower()}")
        assert path.read_bytes().startswith(begins)


def test_no_button_sends_a_chart_anywhere(open_page: Opener) -> None:
    """plotly.js offers to upload charts, unless it is told not to."""
    for name in ("", "run"):
        page = open_page(f"/{name}")
        settled(page)
        buttons = page.locator(".js-plotly-plot .modebar-btn")
        titles = buttons.evaluate_all("(all) => all.map((one) => one.dataset.title)")
        assert any(title.startswith("Download") for title in titles)
        assert not [title for title in titles if "Share" in title or "Cloud" in title]


def test_it_says_so_where_plotly_js_cannot_be_had(open_page: Opener) -> None:
    """All else on the page must stand."""
    page = open_page("/_stcore/health")
    page.route("**/driftsched/plotly*", lambda route: route.abort())
    page.goto(f"{open_page.url}/")
    page.locator(".ds-problem:visible").first.wait_for()
    said = page.locator(".ds-problem:visible").first.inner_text()
    assert said.startswith("The plots cannot be drawn: ") and said.endswith(" did not load.")
    assert page.get_by_test_id("stMetricValue").count() >= 4
    page.close()
    assert all("plotly" in problem for problem in open_page.problems)
    open_page.problems.clear()


def test_plotly_js_is_packed_once_and_kept_by_the_browser(server: Server) -> None:
    """A class of 50 would have it packed 50 times, and again at each visit."""
    address = f"{server.url}/driftsched/{PLOTLY_JS}"
    shipped = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    with urllib.request.urlopen(address) as plain:
        assert plain.headers["content-encoding"] is None
        assert plain.read() == shipped
    asked = urllib.request.Request(address, headers={"accept-encoding": "gzip, br"})
    with urllib.request.urlopen(asked) as packed:
        assert "immutable" in packed.headers["cache-control"]
        assert gzip.decompress(packed.read()) == shipped
