"""Every page in a real Chromium, as visitors come to it: by the navigation and by a link."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from driftsched.scenario import from_yaml
from driftsched.studio.page import DEFAULT
from tests.support.browser import Opener, Server
from tests.support.pages import TITLES, assert_page, errors_shown, page_names, settled, widest

FIRST = DEFAULT.removesuffix(".py")
PHONE = {"width": 390, "height": 844}
SHADES = {"light": ((200, 256), (-1, 100)), "dark": ((-1, 60), (150, 256))}
"""How bright the paper and the ink are, from 0 to 255: between the two."""
PAPER_AND_INK = """[[paper, 'backgroundColor'], [ink, 'color']].every(([[least, most], what]) => {
  const style = getComputedStyle(document.querySelector('[data-testid=stApp]'));
  const [r, g, b] = style[what].match(/[0-9.]+/g).map(Number);
  const bright = 0.3 * r + 0.6 * g + 0.1 * b;
  return least < bright && bright < most;
})"""
"""Whether they are."""


@pytest.mark.parametrize("name", [FIRST, "scenario"])
def test_a_link_to_a_page_is_a_fine_first_request_to_a_fresh_server(
    browser: Any, name: str
) -> None:
    """Streamlit skips app.py on such a first visit; the page would have no frame then.

    It does so for the first page of the menu and for others alike; that each has its frame without
    app.py is tried in `tests/studio/test_pages.py`.
    """
    with Server.studio() as fresh:
        opener = Opener(browser, fresh.url)
        page = opener(f"/{name}")
        assert_page(page, name)
        other = next(TITLES[one] for one in ("scenario", "run") if one != name)
        page.get_by_test_id("stSidebarNavLink").filter(has_text=other).click()
        page.get_by_role("heading", name=other, exact=True, level=1).wait_for()
        settled(page)
        assert errors_shown(page) == []
        opener.close()
        assert opener.problems == []


def test_every_page_is_reached_by_clicking(open_page: Opener) -> None:
    """The first one opens on a picture with numbers, not on an empty form."""
    page = open_page("/")
    assert_page(page, FIRST)
    assert page.get_by_test_id("stMetricValue").count() >= 4
    assert page.locator(".ds-picture .main-svg").count()
    for name, title in list(TITLES.items())[1:] + list(TITLES.items())[:1]:
        page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
        page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
        assert_page(page, name)


@pytest.mark.parametrize(("name", "first"), [*zip(page_names(), cycle(SHADES), strict=False)])
def test_page_on_a_phone_fits_and_takes_its_colours(
    open_page: Opener, name: str, first: str
) -> None:
    """A page wider than the window has to be pushed about; a theme half applied is unreadable.

    It is opened in one theme, and the other is chosen while it is there.
    """
    page = open_page(f"/{name}", viewport=PHONE, color_scheme=first)
    settled(page)
    assert errors_shown(page) == []
    for scheme in sorted(SHADES, key=lambda one: one != first):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"([paper, ink]) => {PAPER_AND_INK}", arg=SHADES[scheme])
        settled(page)
        wide, window = widest(page)
        assert wide <= window


def _rows(data: bytes) -> None:
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) >= 2, "a table needs a head and a row"
    assert {len(row) for row in rows} == {len(rows[0])}


def _archive(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {"scenario.yaml", "provenance.json"} <= {Path(n).name for n in archive.namelist()}


def _web_page(data: bytes) -> None:
    text = data.decode()
    assert text.lstrip().lower().startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")


def _scenario(data: bytes) -> None:
    assert from_yaml(data.decode()).tenants


PARSERS: dict[str, Callable[[bytes], None]] = {
    ".csv": _rows,
    ".zip": _archive,
    ".html": _web_page,
    ".yaml": _scenario,
}


BURST = 10
"""Downloads that Chromium lets a page begin within a second."""


@pytest.mark.parametrize("name", page_names())
def test_every_download_of_a_page_gives_a_file_that_parses(open_page: Opener, name: str) -> None:
    page = open_page(f"/{name}")
    settled(page)
    closed = page.locator("[data-testid=stExpander] details:not([open]) summary")
    for folded in reversed(closed.all()):  # from the last: one that is open counts no more
        if folded.is_visible():  # one in a tab that is not open cannot be clicked
            folded.click()
    settled(page)
    buttons = [b for b in page.get_by_test_id("stDownloadButton").all() if b.is_visible()]
    begun: list[float] = []
    for button in buttons:
        pressed = button.locator("button:visible").first  # Streamlit lays a hidden one beside it
        if pressed.is_disabled():
            continue
        if len(begun) >= BURST:  # a second after the first has really begun
            page.wait_for_function("then => performance.now() - then > 2000", arg=begun[-BURST])
        begun.append(page.evaluate("performance.now()"))
        with page.expect_download() as coming:
            pressed.click()
        file = coming.value
        data = Path(file.path()).read_bytes()
        assert data, f"{file.suggested_filename} is empty"
        parse = PARSERS.get(Path(file.suggested_filename).suffix)
        assert parse, f"nothing here knows how to read {file.suggested_filename}"
        parse(data)
    assert len(buttons) >= {"explore": 2, "run": 5}.get(name, 0)
