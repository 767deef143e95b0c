"""The page Library in a real Chromium, on a server of its own with three runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from driftsched.results import RunLibrary
from tests.support.browser import Opener, Server
from tests.support.pages import SHIFT, WORDS, errors_shown, settled, stops_before_picture
from tests.unit.results_data import hand_run

DESK = {"width": 1440, "height": 900}
ROW = 35
"""Pixels of a row of the table, its head too."""
HOSTILE = "[x](https://evil.example) <b>bold</b> :red[red] $x$"


@pytest.fixture(scope="module")
def library(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> RunLibrary:
    library = RunLibrary(tmp_path_factory.mktemp("library"))
    for title in ("First", "Second", HOSTILE):
        library.save(hand_run(), title)
    return library


@pytest.fixture(scope="module")
def studio(browser: Any, library: RunLibrary) -> Iterator[Opener]:
    with Server.studio(DRIFTSCHED_HOME=str(library.home)) as server:
        opener = Opener(browser, server.url)
        yield opener
        opener.close()
        assert opener.problems == []


def curves(page: Any) -> list[str]:
    names = "() => document.querySelector('.js-plotly-plot').data.map((trace) => trace.name)"
    return sorted(set(page.evaluate(names)))


def check(page: Any, row: int) -> None:
    """Click the box at the left of a row of the table."""
    grid = page.get_by_test_id("stDataFrame")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + ROW * (row + 1.5))
    page.wait_for_function(
        "() => new Set(document.querySelector('.js-plotly-plot').data.map((t) => t.name)).size > 1"
    )
    settled(page)


def test_it_is_calm_and_text_is_text(studio: Opener) -> None:
    page = studio("/_stcore/health", viewport=DESK)
    page.add_init_script(SHIFT)
    page.goto(f"{studio.url}/library?kept_text=bold")
    settled(page)
    assert page.evaluate("window.shift") < 0.1
    assert Axe().run(page).response["violations"] == []
    assert 20 < len(page.evaluate(WORDS)) <= 120
    said = page.locator(".st-key-library-panel").inner_text().replace("\u2060", "")
    for sign in ("[x](", "<b>bold</b>", ":red[red]", "$x$"):
        assert sign in said
    assert page.locator("[href*=evil]").count() == 0
    assert stops_before_picture(page) <= 12


def test_runs_are_found_labelled_deleted_and_back_and_taken_in_again(
    studio: Opener, library: RunLibrary, tmp_path: Path
) -> None:
    """All that a visitor does with what is kept, in one visit."""
    page = studio("/library?kept_text=first", viewport=DESK)
    settled(page)
    assert curves(page) == ["First, FIFO"]
    page.get_by_role("button", name="Title, tags, notes").click()
    page.get_by_role("textbox", name="Tags").fill("nightly base")
    page.get_by_role("button", name="Keep").click()
    page.locator(".st-key-library-panel").get_by_text("nightly").wait_for()
    settled(page)
    (first,) = library.list("first", tag="nightly")["run_id"]
    with page.expect_download() as coming:
        page.get_by_role("button", name="ZIP").click()
    path = tmp_path / "run.zip"
    os.link(coming.value.path(), path)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("1 run deleted.").wait_for()
    settled(page)
    assert list(library.list(trash=True)["run_id"]) == [first]
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => !document.body.innerText.includes('1 run deleted.')")
    settled(page)
    assert library.list(trash=True).empty
    page.get_by_role("button", name="Import").click()
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("Imported as").wait_for()
    settled(page)
    assert len(library.list(tag="nightly")) == 2
    page.get_by_role("textbox", name="Search").fill("")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "kept_text" not in url)
    settled(page)
    check(page, 1)
    assert len(curves(page)) == 2
    assert errors_shown(page) == []


def test_a_run_is_opened_as_what_is_run(studio: Opener) -> None:
    page = studio("/library", viewport=DESK)
    settled(page)
    page.locator(".st-key-library-open button:visible").first.click()
    page.get_by_role("heading", name="Run", exact=True, level=1).wait_for()
    settled(page)
    assert page.get_by_text("Seven requests").first.is_visible()
    assert errors_shown(page) == []
