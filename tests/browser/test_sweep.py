"""A sweep by hand: another parameter, another picture, and a point opened as a scenario."""

from __future__ import annotations

from tests.support.browser import Opener
from tests.support.pages import errors_shown, settled

HEADER, ROW, SIDE = 36, 16, 12
"""Of a table, in pixels: above its first row, to the middle of one, to its box."""
TALL = {"width": 1440, "height": 1500}


def test_from_a_parameter_to_a_picture_to_a_scenario(open_page: Opener) -> None:
    page = open_page("/sweep?preset=paper&set=phases.1.requests=50&sweep_seeds=1", viewport=TALL)
    settled(page)
    field = page.get_by_role("combobox", name="Parameter 3")
    field.click()
    field.fill("batch_size")
    page.keyboard.press("Enter")
    page.wait_for_url("**/*over=engine.batch_size*")
    settled(page)
    for picture, title in (
        ("Heat map", "by load and engine.batch_size"),
        ("Trade-off", "latency against SLOs met"),
        ("Parallel", "Every point"),
        ("Importance", "What moves"),
    ):
        page.get_by_role("radio", name=picture).click()
        page.locator(".ds-picture .gtitle", has_text=title).wait_for()
    page.locator("[data-testid=stExpander] summary", has_text="63 points").click()
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + SIDE, box["y"] + HEADER + ROW)
    page.get_by_role("button", name="Open in Explore").click()
    page.get_by_role("heading", name="Explore", level=1).wait_for()
    settled(page)
    assert "set=engine.batch_size%3D16" in page.url
    assert errors_shown(page) == []
