"""What comes in a link is shown as text: it draws no link or picture, and asks no other host."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.support.browser import Opener
from tests.support.pages import settled

TEXT = (
    "![p](https://evil.example/p.png) [l](//evil.example) <img src=https://evil.example/i.png> "
    "https://evil.example/a www.evil.example a@evil.example <a href=https://evil.example>x</a>"
)
SCENARIO = [("set", f"title={TEXT}"), ("set", f"question={TEXT}")]
WRONG = [
    ("load", TEXT),
    ("policies", f"fifo,{TEXT}"),
    ("tune", f"aging.rate={TEXT}"),
    ("set", f"seed={TEXT}"),
    ("set", f"tenants.0.name={TEXT}"),
    (TEXT, TEXT),
]
FOREIGN = "() => document.querySelectorAll('a[href*=evil], img[src*=evil]').length"


def opened(open_page: Opener, path: str, query: list[tuple[str, str]]) -> tuple[Any, set[str]]:
    page = open_page("/_stcore/health")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    page.goto(f"{open_page.url}{path}?{urlencode(query, quote_via=quote)}")
    settled(page)
    return page, hosts - {"", "127.0.0.1"}


@pytest.mark.parametrize("path", ["/", "/run", "/scenario", "/paper"])
def test_text_of_a_link_is_text(open_page: Opener, path: str) -> None:
    """Whoever sends a link must not put words, pictures or ways out into our page."""
    page, hosts = opened(open_page, path, [*SCENARIO, *WRONG])
    said = page.get_by_test_id("stAlert").first.inner_text().replace("\u2060", "")
    assert "https://evil.example/p.png" in said
    if path in ("/", "/run"):
        assert TEXT in page.get_by_test_id("stMain").inner_text().replace("\u2060", "")
    assert page.evaluate(FOREIGN) == 0
    assert hosts == set()


def test_text_of_a_preset_and_of_a_live_run_is_text(open_page: Opener) -> None:
    page, hosts = opened(open_page, "/run", [("preset", TEXT)])
    assert page.evaluate(FOREIGN) == 0
    page, more = opened(open_page, "/run", [*SCENARIO, ("world", "Live")])
    page.get_by_role("textbox", name="Addresses").fill(TEXT)
    page.get_by_role("textbox", name="Addresses").press("Enter")
    settled(page)
    assert page.evaluate(FOREIGN) == 0
    assert hosts | more == set()
