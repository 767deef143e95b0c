"""The Run page in a real Chromium: one moment, whatever the policy; one request, by a click."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.browser import Opener
from tests.support.pages import errors_shown, settled

DESK = {"width": 1440, "height": 900}
PLOT = "document.querySelector('[data-panel=queue] .ds-plot')"


def _moments(page: Any) -> list[str]:
    return [text.split(" s /")[0] for text in page.locator(".ds-time").all_inner_texts()]


def test_the_moment_survives_another_policy_and_a_reload(open_page: Opener) -> None:
    """Two policies can only be compared at one moment; it stands in the address."""
    page = open_page("/run?preset=noisy-neighbour", viewport=DESK)
    settled(page)
    page.get_by_role("slider", name="Time in the run").evaluate(
        "(node) => { node.value = 500; node.dispatchEvent(new Event('input')) }"
    )
    (moment,) = _moments(page)
    page.get_by_role("combobox", name="Policy").click()
    page.get_by_role("option", name="SJF", exact=True).click()
    page.locator("p", has_text=re.compile("under SJF, seed 1")).wait_for()
    settled(page)
    assert _moments(page) == [moment]
    page.reload()
    settled(page)
    assert _moments(page) == [moment]
    assert errors_shown(page) == []


def test_two_policies_are_played_at_one_moment(open_page: Opener) -> None:
    page = open_page("/run?preset=noisy-neighbour&beside=SJF#at=100.0", viewport=DESK)
    settled(page)
    page.locator(".ds-live").nth(1).wait_for()
    settled(page)
    assert _moments(page) == ["100.0", "100.0"]
    page.get_by_role("button", name="One step forward").first.click()
    first, second = _moments(page)
    assert float(first) > 100
    assert first == second


SHOWN = """() => [...document.querySelectorAll('[data-panel]')].map((panel) => [panel.dataset.panel,
  panel.querySelector('.ds-plot').data.filter((trace) => trace.visible !== false)
    .map((trace) => trace.name)])"""


def test_a_tenant_in_focus_is_what_the_curves_show(open_page: Opener) -> None:
    page = open_page("/run?preset=noisy-neighbour", viewport=DESK)
    settled(page)
    page.get_by_role("combobox", name="Tenants").click()
    page.get_by_role("option", name="search", exact=True).click()
    page.wait_for_url("**/*tenant=search*")
    settled(page)
    shown = dict(page.evaluate(SHOWN))
    assert shown["queue"] == shown["latency"] == ["search"]
    rows = [row.split("\t") for row in page.locator(".ds-table tbody tr").all_inner_texts()]
    assert [row[0].strip() for row in rows] == ["All", "search", "chat", "crawler"]
    note = page.locator("[data-panel=latency] .ds-note").inner_text()
    assert note == f"P50 {rows[1][-2]} · P99 {rows[1][-1]}"
    assert rows[0][-2:] != rows[1][-2:]
    page.locator(".ds-table").get_by_role("button", name="crawler").click()
    assert dict(page.evaluate(SHOWN))["queue"] == ["search", "crawler"]
    assert errors_shown(page) == []


def test_the_first_row_of_charts_is_in_sight_beside_the_figures(open_page: Opener) -> None:
    """Whoever plays a run must see what moves without scrolling."""
    page = open_page("/run?preset=paper", viewport=DESK)
    settled(page)
    for panel in ("queue", "running"):
        box = page.locator(f"[data-panel={panel}]").bounding_box()
        assert box["y"] + box["height"] <= DESK["height"]
    rows = page.locator(".ds-table tbody tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["All", "premium", "standard", "batch"]
    finished = [int(row.split()[1].replace(",", "")) for row in rows]
    assert finished[0] == sum(finished[1:]) == 3000


def test_a_click_on_a_bar_tells_a_requests_life(open_page: Opener) -> None:
    page = open_page("/run?preset=noisy-neighbour", viewport={"width": 1440, "height": 1400})
    settled(page)
    box = page.locator("[data-panel=latency] .nsewdrag").bounding_box()
    at = {"x": box["x"] + 0.75 * box["width"], "y": box["y"] + 0.9 * box["height"]}
    page.mouse.move(at["x"], at["y"])
    page.mouse.move(at["x"] + 1, at["y"])
    page.locator("[data-panel=latency] .hoverlayer > g").first.wait_for(state="attached")
    page.mouse.click(at["x"] + 1, at["y"])
    page.get_by_text("were served before it").wait_for()
    settled(page)
    assert re.search(r"request=\d+", page.url)
    assert page.get_by_text("Without").count() >= 1
    assert errors_shown(page) == []


@pytest.mark.parametrize("path", ["/run", "/scenario"])
def test_images_are_of_the_format_that_is_chosen(open_page: Opener, path: str) -> None:
    page = open_page(path)
    settled(page)
    page.get_by_role("radio", name="PNG", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.js-plotly-plot')]"
        ".every((plot) => plot._context.toImageButtonOptions.format === 'png')"
    )
