"""What a studio's server puts before Streamlit: scripts of its own, facts and styles for its page.

*Scripts* are packed once, not for each visitor, and kept by the browser. Streamlit's own way, the
static folder, needs a folder that can be written, packs a file anew for each request, a tenth of a
second of a core for plotly.js, and lets the browser ask again at each visit.

*Where the app lives.* Opened at ``/run``, Streamlit's front end cannot know whether the app lives
at ``/run`` or at ``/``: it asks both for their health, and the wrong one leaves two errors in the
browser's console. We know our pages' names, so the front end is told.

*How the page looks.* Styles that come with the script move what is there; in the page's head they
are there first, and keep the sidebar's place.

*What to fetch early.* plotly.js is needed on every page, but asked for only when the first chart
has come; fetched as soon as the page itself is there, it is at hand by then.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterable
from functools import cache
from typing import cast

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from driftsched.studio.front_end.script import OURS_JS, PLOTLY_JS, script, text_of

HEADERS = {"vary": "accept-encoding", "cache-control": "public, max-age=31536000, immutable"}
ADDRESS = re.compile(rf"/driftsched/({re.escape(PLOTLY_JS)}|{OURS_JS})$")
HEAD = b"<head>"
FETCH = """addEventListener("load", () => document.head.append(Object.assign(
  document.createElement("link"), {rel: "preload", as: "script", href: `${root}/NAME`})));"""
"""Not before the page's own scripts, which are needed first."""


class FrontEnd:
    """ASGI middleware that answers for our scripts and puts lines into the front end's HTML page.

    The line works behind a proxy that adds a path of its own too, since it takes the browser's own
    address and leaves out the page's name, one of `pages`.
    """

    def __init__(self, app: ASGIApp, pages: Iterable[str]) -> None:
        self.app = app
        self.paged = BaseHTTPMiddleware(app, dispatch=self._with_line)
        ending = f"/({'|'.join(map(re.escape, pages))})?/*$"
        root = f'location.origin + location.pathname.replace(new RegExp({json.dumps(ending)}), "")'
        self.line = (
            f"<style>{text_of('page.css')}</style>"
            f"<script>{{ const root = {root}; window.__streamlit = {{BACKEND_BASE_URL: root}};"
            f" {FETCH.replace('NAME', f'driftsched/{PLOTLY_JS}')} }}</script>"
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        found = ADDRESS.search(request.url.path)
        if found:
            packed = "gzip" in request.headers.get("accept-encoding", "")
            await (await _served(found[1], packed))(scope, receive, send)
        elif "text/html" in request.headers.get("accept", ""):
            # the page is small, and can only be changed where it comes unpacked
            kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            await self.paged({**scope, "headers": kept, "extensions": {}}, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _with_line(self, request: Request, answer: RequestResponseEndpoint) -> Response:
        response = await answer(request)
        html = response.headers.get("content-type", "").startswith("text/html")
        whole = response.status_code == 200 and "content-encoding" not in response.headers
        if not (html and whole):
            return response
        parts = cast(StreamingResponse, response).body_iterator
        body = b"".join([cast(bytes, part) async for part in parts])
        kept = {name: value for name, value in response.headers.items() if name != "content-length"}
        return HTMLResponse(body.replace(HEAD, HEAD + self.line, 1), headers=kept)


async def _served(name: str, packed: bool) -> Response:
    headers = HEADERS | ({"content-encoding": "gzip"} if packed else {})
    body = await asyncio.to_thread(_packed, name) if packed else script(name)
    return Response(body, headers=headers, media_type="text/javascript")


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(script(name), mtime=0)
