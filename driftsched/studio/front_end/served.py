"""Our scripts over the wire: packed once, not for each visitor, and kept by the browser.

Streamlit's own way, the static folder, needs a folder that can be written, packs a file anew for
each request, a tenth of a second of a core for plotly.js, and lets the browser ask again at each
visit.
"""

from __future__ import annotations

import asyncio
import gzip
import re

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from driftsched.studio.front_end.script import SCRIPTS

__all__ = ["ServedScripts"]


HEADERS = {
    "vary": "accept-encoding",
    "cache-control": "public, max-age=31536000, immutable",
}
ADDRESS = re.compile(r"/driftsched/([\w.-]+)$")


class ServedScripts:
    """ASGI middleware that answers for our scripts, and for nothing else.

    Parameters
    ----------
    app : ASGI application
        What answers everything else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._packed: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = _asked_for(scope)
        if name is None:
            await self.app(scope, receive, send)
            return
        headers = HEADERS
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            headers = HEADERS | {"content-encoding": "gzip"}
            body = await asyncio.to_thread(self._pack, name)
        else:
            body = SCRIPTS[name]()
        await Response(body, headers=headers, media_type="text/javascript")(scope, receive, send)

    def _pack(self, name: str) -> bytes:
        if name not in self._packed:
            self._packed[name] = gzip.compress(SCRIPTS[name](), mtime=0)
        return self._packed[name]


def _asked_for(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    found = ADDRESS.search(str(scope["path"]))
    return found[1] if found and found[1] in SCRIPTS else None
