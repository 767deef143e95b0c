"""What the front end's HTML page is given on its way to the browser.

*Where the app lives.* Opened at ``/run``, Streamlit's front end cannot know whether the app lives
at ``/run`` or at ``/``: it asks both for their health, and the wrong one leaves two errors in the
browser's console. We know our pages' names, so the front end is told.

*What to fetch early.* plotly.js is needed on every page, but asked for only when the first chart
has come; fetched as soon as the page itself is there, it is at hand by then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["FrontPage"]


HEAD = b"<head>"
FETCH = """addEventListener("load", () => document.head.append(Object.assign(
  document.createElement("link"),
  {rel: "preload", as: "script", href: `${root}/${name}`})));"""
"""Not before the page's own scripts, which are needed first."""


class FrontPage:
    """ASGI middleware that puts a line of script into the front end's HTML page.

    The line works behind a proxy that adds a path of its own too, since it takes the browser's own
    address and leaves out the page's name.

    Parameters
    ----------
    app : ASGI application
        What answers requests.
    pages : iterable of str
        The pages' names as they stand in an address.
    early : iterable of str
        Addresses below the app's, of scripts to fetch as soon as the page is there.
    """

    def __init__(self, app: ASGIApp, pages: Iterable[str], early: Iterable[str] = ()) -> None:
        self.app = app
        ending = f"/({'|'.join(map(re.escape, pages))})?/*$"
        root = f'location.origin + location.pathname.replace(new RegExp({json.dumps(ending)}), "")'
        self.script = (
            f"<script>{{ const root = {root}; window.__streamlit = {{BACKEND_BASE_URL: root}};"
            f" for (const name of {json.dumps([*early])}) {FETCH} }}</script>"
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        # the page is small, and can only be changed where it comes unpacked
        asked = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        if b"text/html" in dict(asked).get(b"accept", b""):
            scope = {**scope, "headers": asked}
        await self.app(scope, receive, _Page(send, self.script).send)


class _Page:
    """One answer; an HTML page is held back until it is whole, all else passes."""

    def __init__(self, send: Send, script: bytes) -> None:
        self._send, self._script = send, script
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = self._body.replace(HEAD, HEAD + self._script, 1)
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**start, "headers": [*kept, length]})
        await self._send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    headers = dict(start["headers"])
    html = headers.get(b"content-type", b"").startswith(b"text/html")
    return bool(html and start["status"] == 200 and b"content-encoding" not in headers)
