"""A live run in the browser: a real model on this machine's CPU, watched to its end, or stopped."""

from __future__ import annotations

from typing import Any

import pytest

from driftsched.results import RunLibrary
from tests.support.browser import Opener, Server
from tests.support.pages import errors_shown, settled

PAGE = "/run?world=Live&preset=paper&set=policy.kind=sjf&set=phases.0.pause_s=0"
SHORT = "".join(
    f"&set=categories.{number}.max_output_tokens=24&set=categories.{number}.base_tokens={base}"
    for number, base in enumerate((8, 16, 20, 24))
)
REQUESTS = 120
"""So many that the page is looked at before they have ended, on a slow machine too."""


def start(page: Any, requests: int) -> None:
    """Choose the in-process model with random weights and start a run of so many requests."""
    settled(page)
    page.get_by_role("radio", name="A model in this program").click()
    page.get_by_role("combobox", name="Weights").wait_for()
    start_again(page, requests)


def start_again(page: Any, requests: int) -> None:
    """Start another run, with what was chosen before."""
    box = page.get_by_role("spinbutton", name="Requests at most")
    box.fill(str(requests))
    box.press("Enter")
    settled(page)
    page.get_by_role("button", name="Start the run").click()


def rows(page: Any) -> list[str]:
    """States of the server's live runs as the table has them, the newest first."""
    return [job["State"] for job in table(page)]


def table(page: Any) -> list[dict[str, str]]:
    """The table of live runs, read as a screen reader does."""
    grid = page.get_by_test_id("stDataFrame").last.locator("table[role=grid]")
    heads = [cell.inner_text() for cell in grid.locator("thead th").all()]
    return [
        dict(zip(heads, [cell.inner_text() for cell in row.locator("td").all()], strict=False))
        for row in grid.locator("tbody tr").all()
    ]


@pytest.fixture
def library(server: Server, monkeypatch: pytest.MonkeyPatch) -> RunLibrary:
    monkeypatch.setenv("DRIFTSCHED_HOME", server.home)
    return RunLibrary()


def test_a_live_run_is_watched_to_its_end_and_another_is_stopped(
    open_page: Opener, library: RunLibrary
) -> None:
    """Both must be in the table and the library, the stopped one with what it measured."""
    page = open_page(PAGE + SHORT)
    start(page, REQUESTS)
    stop = page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True)
    stop.wait_for()
    page.get_by_text("is in use: you started").wait_for()
    plot = page.locator(".ds-live .js-plotly-plot").first
    plot.wait_for()
    plot.evaluate("node => { node.dataset.mark = 'first' }")
    viewer = open_page(PAGE + SHORT)
    page.get_by_text("has ended after").wait_for()
    viewer.get_by_text("has ended after").wait_for()
    settled(page)
    assert errors_shown(page) == []

    start_again(page, 2000)
    stop.wait_for()
    page.get_by_text("requests ended").wait_for()
    stop.click()
    page.get_by_text("was stopped after").wait_for()
    settled(page)
    assert errors_shown(page) == []

    assert rows(page) == ["stopped", "finished"]
    saved = library.list()
    assert len(saved) == 2
    assert saved["engine"].tolist() == ["live:torch", "live:torch"]
    stopped, whole = (library.load(run_id).requests["status"] for run_id in saved["run_id"])
    assert (whole == "finished").all()
    assert len(whole) == REQUESTS
    assert (stopped == "cancelled").any()
    assert set(stopped) <= {"finished", "cancelled"}
