"""plotly.js over the wire: packed once, not for each visitor, and kept by the browser.

Streamlit packs a file of the static folder anew for each request, a tenth of a second of a core for
this one, and lets the browser ask again at each visit. Our file's name holds its version: it never
changes.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

__all__ = ["PlotlyJs"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "content-encoding": "gzip",
    "vary": "accept-encoding",
    "cache-control": "public, max-age=31536000, immutable",
}


class PlotlyJs:
    """ASGI middleware that answers for plotly.js where the browser takes it packed.

    Parameters
    ----------
    app : ASGI application
        What answers everything else.
    file : Path
        plotly.js in the static folder, from `ensure_plotly_js`.
    """

    def __init__(self, app: App, file: Path) -> None:
        self.app = app
        self.file = file

    @cached_property
    def packed(self) -> bytes:
        """The file's content, packed."""
        return gzip.compress(self.file.read_bytes(), mtime=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._asked_for(scope):
            body = await asyncio.to_thread(lambda: self.packed)
            answer = Response(body, headers=HEADERS, media_type="text/javascript")
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _asked_for(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        wanted = str(scope["path"]).endswith(f"/app/static/{self.file.name}")
        return wanted and "gzip" in Headers(scope=scope).get("accept-encoding", "")
