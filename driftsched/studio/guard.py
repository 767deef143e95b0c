"""What every request to the server is held to before Streamlit sees it: hosts, headers, uploads."""

from __future__ import annotations

import asyncio
import re
import time

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import get_instance

__all__ = ["MAX_SESSION_MB", "Guard"]

MAX_SESSION_MB = 120
"""Room for what one session has uploaded, all files together."""
BURST, PER_S = 60, 8.0
"""Messages of a page: so many at once, then so many a second; no page sends half."""
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
"""What a page may load and who may show it in a frame: this server, and nobody else. Streamlit's
own front end needs scripts in the page's text and from blobs."""
HEADERS = {
    "content-security-policy": "; ".join(f"{what} {where}" for what, where in POLICY.items()),
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
}
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")


class Guard:
    """ASGI middleware; the names it answers to are Streamlit's own option ``server.allowedHosts``.

    Parameters
    ----------
    app : ASGI application
        What answers every request that passes.
    """

    def __init__(self, app: ASGIApp) -> None:
        hosts = [host.lower() for host in config.get_option("server.allowedHosts")] or ["*"]
        self.app = TrustedHostMiddleware(app, allowed_hosts=hosts, www_redirect=False)
        self.uploads: dict[str, dict[str, int]] = {}  # session → file → bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        if scope["type"] == "websocket":
            await self.app(scope, paced(receive), send)
        elif scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self._has_room(Request(scope)):
            await self.app(scope, receive, headed)
        else:
            said = f"all uploads of a session must have at most {MAX_SESSION_MB} MB"
            await PlainTextResponse(said, 413)(scope, receive, headed)

    def _has_room(self, request: Request) -> bool:
        """Whether an upload is small enough beside what its session has already; counts it."""
        found = UPLOAD.search(request.url.path)
        if not found or request.method not in ("PUT", "DELETE"):
            return True
        session, file = found.groups()
        held = self.uploads.setdefault(session, {})
        held.pop(file, None)
        if request.method == "PUT":
            for other in [other for other in self.uploads if not _is_there(other)]:
                del self.uploads[other]
            length = request.headers.get("content-length", "")
            size = int(length) if length.isdecimal() else MAX_SESSION_MB * 10**6 + 1
            if sum(held.values()) + size > MAX_SESSION_MB * 10**6:
                return False
            held[file] = size
        return True


def paced(receive: Receive) -> Receive:
    """Hand on a page's messages, those past `BURST` no faster than `PER_S`; the sender waits."""
    free_s = 0.0

    async def message() -> Message:
        nonlocal free_s
        came = await receive()
        now_s = time.monotonic()
        free_s = max(free_s, now_s - BURST / PER_S) + 1 / PER_S
        await asyncio.sleep(max(0.0, free_s - now_s))
        return came

    return message


def _is_there(session: str) -> bool:
    return get_instance().is_active_session(session)
