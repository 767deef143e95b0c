"""Explore in a real Chromium: a slider is dragged, and the picture follows."""

from __future__ import annotations

from typing import Any

from tests.support.browser import Opener
from tests.support.pages import errors_shown, settled

CURVES = """() => [...document.querySelector('[data-testid=stPlotlyChart]')
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
