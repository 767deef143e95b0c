"""Explore as its reader has it: what is in sight, what moves, who reaches it, what stays."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.browser import Opener
from tests.support.pages import SHIFT, WORDS, errors_shown, settled, stops_before_picture

SCREEN = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 900, "height": 900}
BOX = "() => document.querySelector('.ds-picture').getBoundingClientRect().toJSON()"
AXIS = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range"
GHOSTS = """() => [...document.querySelectorAll('.js-plotly-plot')].map(
  (plot) => plot.data.filter((trace) => trace.name === 'pinned').length)"""


def figures(page: Any) -> list[str]:
    return [str(text) for text in page.get_by_test_id("stMetricValue").all_inner_texts()]


def test_answer_sliders_and_picture_are_in_sight_together(open_page: Opener) -> None:
    """Who has to scroll between cause and effect sees neither."""
    page = open_page("/", viewport=SCREEN)
    settled(page)
    picture = page.evaluate(BOX)
    slider = page.get_by_test_id("stSlider").filter(has_text="Load").bounding_box()
    pin = page.get_by_role("button", name="Pin as baseline").bounding_box()
    answer = page.locator(".st-key-answer").bounding_box()
    assert answer["y"] < slider["y"] < pin["y"] + pin["height"] <= SCREEN["height"]
    assert picture["bottom"] <= SCREEN["height"] + 30, "all but the space below its axis"
    assert slider["x"] >= picture["right"]
    words = page.evaluate(WORDS)
    assert len(words) <= 120, " ".join(words)
    assert page.locator(".ds-picture").count() == 1, "one out of sight was sent"


def test_on_a_phone_the_answer_comes_first_then_the_sliders(open_page: Opener) -> None:
    page = open_page("/", viewport=PHONE)
    settled(page)
    answer = page.locator(".st-key-answer").bounding_box()
    slider = page.get_by_test_id("stSlider").filter(has_text="Load").bounding_box()
    assert answer["y"] < PHONE["height"] / 2
    assert answer["y"] < slider["y"] < page.evaluate(BOX)["top"]


@pytest.mark.parametrize("viewport", [SCREEN, NARROW, PHONE], ids=["screen", "narrow", "phone"])
def test_nothing_that_is_there_moves_while_the_rest_comes(
    open_page: Opener, viewport: dict[str, int]
) -> None:
    page = open_page("/_stcore/health", viewport=viewport)
    page.add_init_script(SHIFT)
    page.goto(f"{open_page.url}/")
    settled(page)
    assert page.evaluate("window.shift") < 0.1


def test_six_tabs_lead_past_the_menu_to_the_first_picture(open_page: Opener) -> None:
    page = open_page("/", viewport=SCREEN)
    settled(page)
    assert 0 < stops_before_picture(page) <= 6


@pytest.mark.parametrize("tab", ["Latency", "Tenants", "Queues", "Drift", "Load"])
def test_axe_finds_nothing_and_every_picture_says_its_figures(open_page: Opener, tab: str) -> None:
    scheme = "dark" if tab == "Queues" else "light"
    page = open_page(f"/?preset=busy-gpu&tab={tab}", viewport=SCREEN, color_scheme=scheme)
    settled(page)
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
    names = [plot.get_attribute("aria-label") for plot in page.locator(".ds-plot").all()]
    assert names
    for name in names:
        assert any(sign.isdigit() for sign in name.split("; ")[0])


def test_a_pinned_state_is_a_ghost_in_every_picture_and_axes_stay_put(open_page: Opener) -> None:
    page = open_page("/", viewport=SCREEN)
    settled(page)
    axis, before = page.evaluate(AXIS), figures(page)
    page.get_by_role("button", name="Pin as baseline").click()
    page.get_by_role("button", name="Unpin the baseline").wait_for()
    settled(page)
    slider = page.get_by_role("slider", name="Load").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/*load=1.1*")
    settled(page)
    assert figures(page) != before
    assert page.evaluate(AXIS) == axis
    assert page.get_by_text("load 1 → 1.1").is_visible()
    for tab in ("Latency", "Tenants", "Queues"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_url(f"**/*tab={tab}*" if tab != "Latency" else "**")
        settled(page)
        assert all(page.evaluate(GHOSTS)), tab
    assert errors_shown(page) == []


def test_the_menu_is_lit_at_either_address(open_page: Opener) -> None:
    page = open_page("/explore?preset=noisy-neighbour&load=1.2")
    settled(page)
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Explore")
    assert link.get_attribute("aria-current") == "page"
    assert "load=1.2" in page.url
    assert page.get_by_text("protects search and chat").is_visible()
