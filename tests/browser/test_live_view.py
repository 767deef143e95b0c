"""The live view in a real Chromium: its plots stay mounted, whatever arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import VIEWPORT, Opener, Server

APP = Path(__file__).resolve().parent / "apps" / "live_view_app.py"
BASE = "lab/studio"
TIME_PLOTS = ("queue", "running", "drift")
END_S = 335.6


@pytest.fixture(scope="module")
def server(chromium: str) -> Iterator[Server]:
    """Serve the harness under a base path, so that addresses are tried the hard way."""
    with Server(APP, {"server.baseUrlPath": BASE}) as started:
        yield started


@pytest.fixture(scope="module")
def opener(browser: Any, server: Server) -> Iterator[Opener]:
    started = Opener(browser, server.url)
    yield started
    started.close()


@pytest.fixture(scope="module")
def page(opener: Opener) -> Any:
    """One page for all: to load the studio's scripts takes longer than any of these tests."""
    return opener("")


@pytest.fixture
def open_title(opener: Opener, page: Any) -> Iterator[Callable[..., Any]]:
    """Come to a page of the harness by a click, as people do; at the end, complain as `open_page`.

    What is mounted there is new, but a recorded run is where it was left.
    """

    def opened(title: str, color_scheme: str = "light") -> Any:
        page.set_viewport_size(VIEWPORT)
        page.emulate_media(color_scheme=color_scheme)
        page.get_by_role("link", name="start", exact=True).click()
        page.get_by_role("heading", name="Start").wait_for()
        page.locator(".ds-live").wait_for(state="detached")
        page.get_by_role("link", name=title, exact=True).click()
        _drawn(page)
        return page

    yield opened
    assert opener.problems == []


def _drawn(page: Any) -> None:
    page.wait_for_selector(".ds-live [data-panel=latency] .main-svg")


def _mark(page: Any) -> None:
    nodes = "document.querySelectorAll('.ds-live .ds-plot')"
    page.evaluate(f"() => {nodes}.forEach((node) => {{ node.__mark = 1 }})")


def _marked(page: Any) -> int:
    script = (
        "() => [...document.querySelectorAll('.ds-live .ds-plot')].filter((n) => n.__mark).length"
    )
    return int(page.evaluate(script))


def _points(page: Any, panel: str) -> int:
    script = "(p) => document.querySelector(`[data-panel=${p}] .ds-plot`).data[0].x.length"
    return int(page.evaluate(script, panel))


def _time(page: Any) -> float:
    return float(page.locator(".ds-time").inner_text().split(" s")[0])


def _count(page: Any, name: str) -> int:
    return int(page.locator(f"[data-count={name}]").inner_text().replace(",", ""))


def _wait_seq(page: Any, more: int) -> None:
    page.wait_for_function(
        """(more) => {
          const node = [...document.querySelectorAll('[data-testid=stText]')].at(-1);
          const seq = Number(node.textContent.match(/update (\\d+)/)[1]);
          window.__from ??= seq;
          if (seq < window.__from + more) return false;
          window.__from = undefined;
          return true;
        }""",
        arg=more,
    )


def test_a_growing_run_keeps_its_plots_and_its_zoom(open_title: Any) -> None:
    page = open_title("live")
    _mark(page)
    before = {panel: _points(page, panel) for panel in TIME_PLOTS}
    finished = _count(page, "finished")
    time_s = _time(page)
    area = page.locator("[data-panel=queue] .nsewdrag").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + 60)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.7, area["y"] + 60, steps=5)
    page.mouse.up()
    zoom = "() => document.querySelector('[data-panel=queue] .ds-plot')._fullLayout.xaxis.range"
    page.wait_for_function(f"() => ({zoom})()[0] > 0")
    zoomed = page.evaluate(zoom)
    _wait_seq(page, 12)
    assert _marked(page) == 4
    assert all(_points(page, panel) > before[panel] for panel in TIME_PLOTS)
    assert _count(page, "finished") > finished
    assert _time(page) > time_s
    assert page.evaluate(zoom) == zoomed


def test_pausing_a_growing_run_freezes_it_and_following_catches_up(open_title: Any) -> None:
    page = open_title("live")
    _wait_seq(page, 3)
    page.get_by_role("button", name="Pause").click()
    frozen = _time(page), _points(page, "queue")
    _wait_seq(page, 3)
    assert (_time(page), _points(page, "queue")) == frozen
    page.get_by_role("button", name="Live").click()
    assert _time(page) > frozen[0]
    assert _points(page, "queue") > frozen[1]


def test_a_growing_run_has_no_hole(open_title: Any) -> None:
    page = open_title("live")
    _wait_seq(page, 8)
    gaps = (
        "() => { const x = document.querySelector('[data-panel=queue] .ds-plot').data[0].x;"
        " return [x[0], Math.max(...x.slice(1).map((v, i) => v - x[i]))]; }"
    )
    first, widest = page.evaluate(gaps)
    assert first == 0
    assert widest <= 0.51


def test_coming_back_to_the_page_brings_the_whole_run_back(open_title: Any) -> None:
    page = open_title("live")
    _wait_seq(page, 6)
    page.get_by_role("link", name="start", exact=True).click()
    page.get_by_role("heading", name="Start").wait_for()
    page.get_by_role("link", name="live", exact=True).click()
    _drawn(page)
    page.wait_for_function(
        "() => document.querySelector('[data-panel=queue] .ds-plot').data[0].x[0] === 0"
    )


def test_a_recorded_run_shows_the_finished_picture_first(open_page: Opener) -> None:
    page = open_page("")
    page.get_by_role("link", name="recorded", exact=True).click()
    _drawn(page)
    assert page.locator(".ds-time").inner_text() == f"{END_S} s / {END_S} s"
    assert _count(page, "finished") == 2037
    assert page.locator(".ds-speed").input_value() == "10"
    assert _points(page, "queue") == 600


def test_a_run_without_anything_is_shown_and_played_calmly(open_title: Any) -> None:
    page = open_title("empty")
    page.get_by_role("button", name="Play").click()
    assert page.locator(".ds-time").inner_text() == "0.0 s / 0.0 s"
    assert page.locator("[data-panel=latency] .ds-note").inner_text() == "none finished yet"


def test_play_pause_step_and_back_to_start(open_title: Any) -> None:
    page = open_title("recorded")
    _mark(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => parseFloat(document.querySelector('.ds-time').textContent) > 8")
    page.get_by_role("button", name="Pause").click()
    time_s, finished = _time(page), _count(page, "finished")
    assert 8 < time_s < END_S
    assert 0 < finished < 2037
    assert _points(page, "queue") < 600
    for _ in range(2):  # the first one may be too short to be seen
        page.get_by_role("button", name="One step forward").click()
    assert time_s < _time(page) <= time_s + 2
    page.get_by_role("button", name="Back to start").click()
    assert _time(page) == 0
    assert _count(page, "finished") == 0
    assert _points(page, "queue") == 1
    assert _marked(page) == 4


def test_scrubbing_goes_anywhere_and_back(open_title: Any) -> None:
    page = open_title("recorded")
    scrub = page.get_by_role("slider", name="Time in the run")
    for share, points in ((500, 300), (100, 60), (1000, 600)):
        scrub.evaluate(
            "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')) }", share
        )
        assert _time(page) == pytest.approx(END_S * share / 1000, abs=0.1)
        assert abs(_points(page, "queue") - points) <= 1
    assert scrub.get_attribute("aria-valuetext") == f"{END_S} s / {END_S} s"


def test_a_higher_speed_plays_faster_to_the_end(open_title: Any) -> None:
    page = open_title("recorded")
    page.get_by_label("Speed").select_option("max")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Play").wait_for()
    assert page.locator(".ds-time").inner_text() == f"{END_S} s / {END_S} s"
    assert _count(page, "finished") == 2037


def test_the_keyboard_plays_and_steps(open_title: Any) -> None:
    page = open_title("recorded")
    page.locator(".ds-live").focus()
    page.keyboard.press("Home")
    assert _time(page) == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    two = _time(page)
    page.keyboard.press("ArrowLeft")
    assert 0 < _time(page) < two
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").wait_for()
    page.get_by_role("slider", name="Time in the run").focus()
    page.keyboard.press("End")
    assert _time(page) == END_S


def test_a_rerun_leaves_a_paused_recorded_run_where_it_is(open_title: Any) -> None:
    page = open_title("recorded")
    _mark(page)
    page.locator(".ds-live").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    time_s = _time(page)
    page.get_by_role("button", name="Rerun").click()
    page.get_by_text("Run again.").wait_for()
    assert _time(page) == time_s
    assert _marked(page) == 4


def test_latency_as_histogram_or_curve(open_title: Any) -> None:
    page = open_title("recorded")
    page.get_by_role("slider", name="Time in the run").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="CDF").click()
    plot = "document.querySelector('[data-panel=latency] .ds-plot')"
    ends = f"() => {plot}.data.map(({{ y }}) => y.at(-1))"
    assert page.evaluate(ends) == [100, 100, 100], "all have finished by the longest latency"
    assert "%" in page.evaluate(f"() => {plot}.layout.yaxis.title.text")
    page.get_by_role("button", name="Histogram").click()
    counts = f"() => {plot}.data.map(({{ y }}) => y.reduce((sum, one) => sum + one, 0))"
    assert sum(page.evaluate(counts)) == 2037
    assert page.evaluate(f"() => {plot}.layout.yaxis.title.text") == "Requests"
    note = page.locator("[data-panel=latency] .ds-note").inner_text()
    assert note.startswith("P50 12.3 s · P99")


def test_a_tenant_can_be_hidden_everywhere(open_title: Any) -> None:
    page = open_title("recorded")
    page.get_by_role("button", name="crawler").click()
    hidden = (
        "(p) => document.querySelector(`[data-panel=${p}] .ds-plot`).data"
        ".filter((trace) => trace.name === 'crawler').every((trace) => trace.visible === false)"
    )
    assert page.evaluate(hidden, "queue")
    assert page.evaluate(hidden, "latency")
    for name in ("search", "chat"):  # with none left the plots are empty, not broken
        page.get_by_role("button", name=name).click()
    page.get_by_role("button", name="crawler").click()
    assert not page.evaluate(hidden, "latency")


def test_narrow_pages_have_one_column(open_title: Any) -> None:
    page = open_title("recorded")
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function(
        "() => { const [a, b] = document.querySelectorAll('.ds-live figure');"
        " return a.offsetLeft === b.offsetLeft && b.offsetTop > a.offsetTop; }"
    )
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ds-live .ds-plot')].every("
        "(plot) => plot._fullLayout.width <= plot.offsetWidth + 1)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable_in_both_themes(open_title: Any, scheme: str) -> None:
    page = open_title("recorded", color_scheme=scheme)
    back, text, ticks = page.evaluate(
        """() => {
          const app = getComputedStyle(document.querySelector('[data-testid=stApp]'));
          const view = getComputedStyle(document.querySelector('.ds-live'));
          const tick = getComputedStyle(document.querySelector('[data-panel=queue] .xtick text'));
          return [app.backgroundColor, view.color, tick.fill];
        }"""
    )
    assert (_luminance(back) < 0.5) == (scheme == "dark")
    for colour in (text, ticks):
        light, dark = sorted((_luminance(back), _luminance(colour)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5


def test_a_change_of_theme_recolours_without_remounting(open_title: Any) -> None:
    page = open_title("recorded", color_scheme="light")
    _mark(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        """() => {
          const plot = document.querySelector('[data-panel=queue] .ds-plot');
          const text = getComputedStyle(plot).getPropertyValue('--st-text-color');
          const app = getComputedStyle(document.querySelector('[data-testid=stApp]'));
          const dark = app.backgroundColor !== 'rgb(255, 255, 255)';
          return dark && plot._fullLayout.font.color === text;
        }"""
    )
    assert _marked(page) == 4


def _luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, as WCAG has it."""
    channels = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
