"""Our scripts over the wire: packed once, not for each visitor, and kept by the browser.

Streamlit packs a file of the static folder anew for each request, a tenth of a second of a core for
plotly.js, and lets the browser ask again at each visit. Our files' names hold a version or a hash:
they never change.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

__all__ = ["PackedScripts"]

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


OURS = re.compile(r"/app/static/((?:plotly|driftsched)-[\w.-]+\.js)$")


class PackedScripts:
    """ASGI middleware that answers for our scripts where the browser takes them packed.

    Parameters
    ----------
    app : ASGI application
        What answers everything else.
    folder : Path
        The static folder.
    """

    def __init__(self, app: App, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self._packed: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = self._asked_for(scope)
        if name is None:
            await self.app(scope, receive, send)
            return
        body = await asyncio.to_thread(self._content, name)
        answer = Response(body, headers=HEADERS, media_type="text/javascript")
        await answer(scope, receive, send)

    def _asked_for(self, scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        found = OURS.search(str(scope["path"]))
        if found is None or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return None
        return found[1] if (self.folder / found[1]).is_file() else None

    def _content(self, name: str) -> bytes:
        if name not in self._packed:
            self._packed[name] = gzip.compress((self.folder / name).read_bytes(), mtime=0)
        return self._packed[name]
