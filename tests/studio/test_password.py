"""A studio with a password: without it there are no pages, no WebSocket, no uploads, no files."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.hostile.visitor import Visitor
from tests.support.browser import Server

PASSWORD = "schlüssel: with a colon"  # noqa: S105
PATHS = ("/", "/run", "/_stcore/host-config", "/_stcore/metrics", "/media/x.csv", "/static/x.js")


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


@pytest.fixture(scope="module")
def closed() -> Iterator[Server]:
    with Server.studio(DRIFTSCHED_PASSWORD=PASSWORD) as server:
        yield server


async def figures_and_files(url: str, headers: dict[str, str]) -> tuple[bytes, int]:
    """Open a page, download its numbers, upload a file."""
    async with Visitor(url, headers=headers) as visitor:
        await visitor.open()
        return await visitor.download("CSV"), await visitor.upload("a.csv", b"a,b\n1,2\n")


@pytest.mark.parametrize("headers", [{}, basic("guessed"), basic(""), {"Cookie": "driftsched=x"}])
def test_without_the_password_there_is_nothing(closed: Server, headers: dict[str, str]) -> None:
    for path in PATHS:
        answer = httpx.get(f"{closed.url}{path}", headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert "Set-Cookie" not in answer.headers
    upload = httpx.put(f"{closed.url}/_stcore/upload_file/a/b", headers=headers, content=b"x")
    assert upload.status_code == 401
    with pytest.raises(InvalidStatus):
        asyncio.run(figures_and_files(closed.url, headers))


def test_with_the_password_or_its_cookie_all_is_there(closed: Server) -> None:
    """The cookie is for browsers that send no password along with a WebSocket."""
    answer = httpx.get(f"{closed.url}/", headers=basic(PASSWORD))
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 200
    assert "HttpOnly" in cookie
    assert PASSWORD not in cookie
    for headers in (basic(PASSWORD), {"Cookie": cookie.partition(";")[0]}):
        numbers, status = asyncio.run(figures_and_files(closed.url, headers))
        assert numbers.count(b"\n") > 2
        assert status == 204


def test_a_probe_needs_no_password(closed: Server) -> None:
    assert httpx.get(f"{closed.url}/_stcore/health").text == "ok"
