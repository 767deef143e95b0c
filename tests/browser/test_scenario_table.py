"""The table of tenants in a real Chromium: what is typed fast is kept, while the page runs."""

from __future__ import annotations

from driftsched.scenario import from_yaml
from tests.support.browser import Opener
from tests.support.pages import errors_shown, settled

HAND = """() => new Promise((go) =>
  requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(go), 60)))"""
"""What no hand is faster than: the grid draws between two keys. It loses a key sent before that,
in a table of nothing but itself too."""


def test_values_typed_down_a_column_are_all_kept(open_page: Opener) -> None:
    """Each value starts a run of the page; a table made anew meanwhile would forget the next."""
    page = open_page("/scenario")
    settled(page)
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 60, "y": 52})  # the first tenant's name; two to its right: weight
    for key in ("ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
        page.evaluate(HAND)
    for value in ("11", "12", "13"):
        page.keyboard.type(value[0])
        cell = page.locator("#portal input")  # the cell being edited: it takes the rest
        cell.wait_for()
        page.keyboard.type(value[1:])
        page.evaluate(HAND)
        page.keyboard.press("Enter")  # goes one row down; nobody waits for the page
        cell.wait_for(state="detached")
        page.evaluate(HAND)
    page.get_by_role("radio", name="YAML", exact=True).click()
    text = page.get_by_role("textbox", name="Scenario as YAML")
    page.wait_for_function("() => document.querySelector('textarea')?.value.includes('weight: 13')")
    settled(page)
    assert errors_shown(page) == []
    scenario = from_yaml(text.input_value())
    assert [tenant.weight for tenant in scenario.tenants] == [11, 12, 13]
