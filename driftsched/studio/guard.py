"""What every request to the server is held to before Streamlit sees it: hosts, headers, uploads."""

from __future__ import annotations

import asyncio
import base64
import hmac
import math
import os
import re

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import get_instance

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
HEALTH = "/_stcore/health"
WAIT_S = 0.3
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")


class Password:
    """One password for all visitors, by HTTP basic authentication with any user name.

    Who has given it gets a cookie, since not every browser sends it along with a WebSocket.
    """

    def __init__(self, password: str) -> None:
        self._wanted = password.encode()
        self._token = hmac.new(self._wanted, b"driftsched-studio", "sha256").hexdigest()
        self.cookie = f"driftsched={self._token}; Path=/; HttpOnly; SameSite=Lax"

    def given(self, request: HTTPConnection) -> bool:
        """Whether a request has the password, or the cookie."""
        had = request.cookies.get("driftsched", "").encode()
        return hmac.compare_digest(had, self._token.encode()) or self.typed(request)

    def typed(self, request: HTTPConnection) -> bool:
        """Whether a request has the password itself."""
        kind, _, code = request.headers.get("authorization", "").partition(" ")
        try:
            said = base64.b64decode(code, validate=True) if kind.lower() == "basic" else b""
        except ValueError:
            return False
        return hmac.compare_digest(said.partition(b":")[2], self._wanted)


class Guard:
    """ASGI middleware; the names it answers to are Streamlit's own option ``server.allowedHosts``.

    With ``DRIFTSCHED_PASSWORD`` in the environment all but the server's health needs the password.
    """

    def __init__(self, app: ASGIApp) -> None:
        hosts = [host.lower() for host in config.get_option("server.allowedHosts")] or ["*"]
        self.app = TrustedHostMiddleware(app, allowed_hosts=hosts, www_redirect=False)
        self.uploads: dict[str, dict[str, int]] = {}  # session → file → bytes
        password = os.environ.get("DRIFTSCHED_PASSWORD")
        self.password = Password(password) if password else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cookie = ""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = HEADERS | ({"set-cookie": cookie} if cookie else {})
                named = [(name.encode(), value.encode()) for name, value in ours.items()]
                message["headers"] = [*message["headers"], *named]
            await send(message)

        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        if self.password and not (request.url.path == HEALTH or self.password.given(request)):
            await _refused(scope, receive, headed)
        elif scope["type"] == "websocket":
            await self.app(scope, paced(receive), send)
        elif self._has_room(Request(scope)):
            cookie = self.password.cookie if self.password and self.password.typed(request) else ""
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


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    """Ask for the password; who guesses waits."""
    await asyncio.sleep(WAIT_S)
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    asked = {"www-authenticate": 'Basic realm="DriftSched Studio", charset="UTF-8"'}
    await PlainTextResponse("this studio has a password", 401, asked)(scope, receive, send)


def paced(receive: Receive) -> Receive:
    """Hand on a page's messages, those past `BURST` no faster than `PER_S`; the sender waits."""
    free_s = -math.inf

    async def message() -> Message:
        nonlocal free_s
        came = await receive()
        now_s = asyncio.get_running_loop().time()
        free_s = max(free_s, now_s - BURST / PER_S) + 1 / PER_S
        await asyncio.sleep(max(0.0, free_s - now_s))
        return came

    return message


def _is_there(session: str) -> bool:
    return get_instance().is_active_session(session)
