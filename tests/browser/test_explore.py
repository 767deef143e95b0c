"""Explore in a real Chromium: a slider is dragged, and the picture follows."""

from __future__ import annotations

from typing import Any

from tests.support.browser import Opener
from tests.support.pages import errors_shown, settled

CURVES = """() => [...document.querySelector('.ds-picture')
  .querySelectorAll('path.js-line')].map((line) => line.getAttribute('d'))"""


def headline(page: Any) -> list[str]:
    return [str(text) for text in page.get_by_test_id("stMetricValue").all_inner_texts()]


def test_dragging_a_slider_changes_the_picture_and_the_link(open_page: Opener) -> None:
    """The page must answer a drag with a new picture, and its link must lead to the same one."""
    page = open_page("/")
    settled(page)
    before, curves = headline(page), page.evaluate(CURVES)
    assert len(curves) >= 5
    thumb = page.get_by_role("slider", name="Load").first
    box = thumb.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 70, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    page.wait_for_url("**/*load=*")
    page.wait_for_function(
        "(old) => document.querySelector('[data-testid=stMetricValue]').innerText !== old",
        arg=before[0],
    )
    settled(page)
    assert headline(page) != before
    assert page.evaluate(CURVES) != curves
    assert errors_shown(page) == []
    other = open_page(page.url.removeprefix(open_page.url))
    settled(other)
    assert headline(other) == headline(page)


def test_every_policy_can_be_seen_and_pressed_on_a_narrow_page(open_page: Opener) -> None:
    """The last ones would stand beyond the edge of their column, and only scrolling brings them."""
    page = open_page("/", viewport={"width": 900, "height": 900})
    settled(page)
    page.get_by_role("button", name="More").click()
    pills = page.locator(".st-key-policies")
    edge = pills.bounding_box()
    for pill in pills.get_by_role("button").all():
        box = pill.bounding_box()
        assert box["x"] + box["width"] <= edge["x"] + edge["width"] + 1


def load(page: Any) -> str:
    """What the load's slider says; the first one on the page."""
    slider = page.get_by_test_id("stSlider").filter(has_text="Load")
    return str(slider.get_by_test_id("stSliderThumbValue").inner_text())


def move(page: Any) -> None:
    """Move the load one step up by its keys."""
    before = load(page)
    page.get_by_role("slider", name="Load").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: f"load={float(before[:-1]) + 0.1:.1f}" in url)
    settled(page)


def test_back_undoes_a_change_and_leads_back_to_the_start(open_page: Opener) -> None:
    """Else link and picture disagree, or the page puts its own link back for ever."""
    page = open_page("/?set=seed=2")
    settled(page)
    seen = [(load(page), page.url)]
    for _ in range(2):
        move(page)
        seen.append((load(page), page.url))
    assert [says for says, _ in seen] == ["1.0×", "1.1×", "1.2×"]
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Paper").click()
    page.get_by_text("claims hold").wait_for()
    settled(page)
    for says, url in reversed(seen):
        page.go_back()
        page.get_by_role("heading", name="Explore", exact=True, level=1).wait_for()
        page.get_by_test_id("stSliderThumbValue").get_by_text(says, exact=True).first.wait_for()
        settled(page)
        assert (load(page), page.url) == (says, url)
    assert errors_shown(page) == []


def test_other_downloads_stay_good_when_the_load_sweep_arrives(open_page: Opener) -> None:
    """It comes some seconds after the rest; a click in that moment must not be lost."""
    page = open_page("/?set=seed=77&tab=Load")
    page.locator("[class*=st-key-busy-sweep]").first.wait_for()
    csv = page.locator("[data-testid=stDownloadButton] button:visible").first
    csv.scroll_into_view_if_needed()
    page.evaluate("() => { window.kept = document.querySelector('[data-testid=stMetric]'); }")
    while page.locator("[class*=st-key-busy-sweep]").count():
        with page.expect_download():
            csv.click()
    settled(page)
    with page.expect_download():
        csv.click()
    assert page.get_by_test_id("stDownloadButtonError").count() == 0
