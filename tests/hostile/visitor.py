"""One visitor of a studio server, without a browser: Streamlit's own messages over its WebSocket.

It does what the front end does: keeps what it was sent, says so when it asks again, and lets the
fragments that ask for it run anew by the clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

__all__ = ["Visitor"]

FORMER = "picture from before the last change"
"""Words of a page that stand where its answer is still under way."""


class Visitor:
    """A session; use it in an ``async with`` block.

    Parameters
    ----------
    url : str
        The server's, or the proxy's before it.
    path : str
        A page's name, "" the first.
    query : str
        What its link says.
    headers : mapping, optional
        Sent when the connection is opened.
    needs : str
        Label of a widget without which no answer is complete.

    Attributes
    ----------
    elements : dict
        What is on the page: place → element.
    problems : list of str
        Exceptions that the page showed.
    received_bytes : int
    """

    def __init__(
        self,
        url: str,
        path: str = "",
        query: str = "",
        headers: dict[str, str] | None = None,
        needs: str = "",
    ) -> None:
        parts = urlsplit(url)
        self.address = f"ws://{parts.netloc}{parts.path.rstrip('/')}/_stcore/stream"
        self.headers = {"Origin": f"{parts.scheme}://{parts.netloc}"} | (headers or {})
        self.path, self.query, self.page, self.needs = path, query, "", needs
        self.elements: dict[tuple[int, ...], Any] = {}
        self.problems: list[str] = []
        self.received_bytes = 0
        self.session = ""
        self._made: dict[tuple[int, ...], tuple[int, str]] = {}  # place → run, fragment
        self._run = self._whole = 0  # the last run of the script, the last whole one that ended
        self._kept: dict[str, ForwardMsg] = {}
        self._clocks: dict[str, asyncio.Task[None]] = {}  # by fragment
        self._wanted: dict[str, asyncio.Future[Any]] = {}  # kind of message → who waits for it
        self._ended = asyncio.Event()
        self._socket: ClientConnection
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._socket = await connect(
            self.address,
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=self.headers,
            max_size=None,
            compression=None,
            open_timeout=120,
            ping_timeout=None,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in (*self._clocks.values(), self._reader):
            task.cancel()
        await self._socket.close()

    async def open(self, limit_s: float = 120.0) -> float:
        """Ask for the page; seconds until it stands.

        Raises
        ------
        TimeoutError
            Where it does not in time.
        """
        return await self._answered(None, limit_s)

    async def move(self, label: str, value: Any, limit_s: float = 120.0) -> float:
        """Move the slider, or choose in the box, that has this label; seconds until the answer."""
        return await self._answered(self.changed(label, value), limit_s)

    def changed(self, label: str, value: Any) -> BackMsg:
        """The message that tells the server of a widget's new value."""
        kind, widget = self.widget(label)
        message = self._rerun()
        state = message.rerun_script.widget_states.widgets.add(id=widget.id)
        if kind == "slider":
            state.double_array_value.data.append(value)
        elif kind == "selectbox":
            state.string_value = value
        elif kind == "number_input":
            state.double_value = value
        elif kind == "button":
            state.trigger_value = True
        else:
            state.bool_value = value
        return message

    def widget(self, label: str) -> tuple[str, Any]:
        """Kind and description of the widget with this label.

        Raises
        ------
        LookupError
            Where none is on the page.
        """
        for found in self._labelled(label):
            return found
        raise LookupError(label)

    def _labelled(self, label: str) -> Iterator[tuple[str, Any]]:
        for element in self.elements.values():
            kind = element.WhichOneof("type")
            called = getattr(getattr(element, kind), "label", "") if kind else ""
            if kind and called.partition(",")[0] == label:  # "Load, ρ 0.9" is the load
                yield kind, getattr(element, kind)

    def texts(self) -> list[str]:
        """Words on the page."""
        kinds = ("markdown", "alert", "heading")
        return [
            getattr(element, kind).body
            for element in self.elements.values()
            if (kind := element.WhichOneof("type")) in kinds
        ]

    def busy(self) -> bool:
        """Whether the page says that its answer is still under way."""
        if self.needs and not any(self._labelled(self.needs)):
            return True
        return any(FORMER in text for text in self.texts()) or any(
            element.WhichOneof("type") == "progress" for element in self.elements.values()
        )

    async def send(self, message: BackMsg | bytes) -> None:
        """Send a message as it is."""
        await self._socket.send(
            message if isinstance(message, bytes) else message.SerializeToString()
        )

    async def upload(self, name: str, data: bytes) -> int:
        """Send a file as an uploader does; the status of the server's answer."""
        message = BackMsg()
        message.file_urls_request.session_id = self.session
        message.file_urls_request.file_names.append(name)
        found = await self._told(message, "file_urls_response")
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body = form + data + b"\r\n--x--\r\n"
        given = await self._http("/_stcore/health")
        token = given.headers["Set-Cookie"].partition(";")[0]
        more = {
            "Content-Type": "multipart/form-data; boundary=x",
            "Cookie": "; ".join(filter(None, (self.headers.get("Cookie"), token))),
            "X-Xsrftoken": token.partition("=")[2],
        }
        return (await self._http(found.file_urls[0].upload_url, "PUT", body, more)).status_code

    async def download(self, label: str) -> bytes:
        """Click a download button; the file's content."""
        message = BackMsg()
        message.backend_operation_request.session_id = self.session
        wanted = self.widget(label)[1].deferred_file_id
        message.backend_operation_request.deferred_file.file_id = wanted
        found = await self._told(message, "backend_operation_response")
        return (await self._http(found.deferred_file.url)).content

    async def _http(
        self, path: str, method: str = "GET", body: bytes | None = None, more: Any = None
    ) -> httpx.Response:
        url = urljoin(self.headers["Origin"], path)
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.request(
                method, url, content=body, headers=self.headers | (more or {})
            )

    async def _told(self, message: BackMsg, kind: str) -> Any:
        self._wanted[kind] = asyncio.get_running_loop().create_future()
        await self.send(message)
        return await asyncio.wait_for(self._wanted[kind], 60)

    async def _answered(self, message: BackMsg | None, limit_s: float) -> float:
        began, before = time.monotonic(), self._run
        self._ended.clear()
        await self.send(message or self._rerun())
        async with asyncio.timeout(limit_s):
            while True:
                await self._ended.wait()
                self._ended.clear()
                if self._reader.done():
                    self._reader.result()
                    raise ConnectionError(f"the server closed the connection of {self.address}")
                if self._whole > before and not self.busy():
                    return time.monotonic() - began

    def _rerun(self, fragment: str = "") -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self.page
        if not self.page:
            state.page_name = self.path
        state.cached_message_hashes.extend(self._kept)
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        return message

    async def _read(self) -> None:
        try:
            while True:
                data = await self._socket.recv()
                self.received_bytes += len(data)
                message = ForwardMsg()
                message.ParseFromString(data if isinstance(data, bytes) else data.encode())
                self._take(message)
        except ConnectionClosed:
            pass
        finally:
            self._ended.set()

    def _take(self, message: ForwardMsg) -> None:
        about = message.metadata
        if message.HasField("ref_hash"):
            message = self._kept[message.ref_hash]
        elif about.cacheable:
            self._kept[message.hash] = message
        kind = message.WhichOneof("type")
        if kind in self._wanted:
            self._wanted.pop(kind).set_result(getattr(message, kind))
        if kind == "delta":
            self._delta(tuple(about.delta_path), message.delta)
        elif kind == "new_session":
            self._began(message.new_session.initialize.session_id, bool(about.run.fragment_ids))
        elif kind == "navigation":
            self.page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind in ("auto_rerun", "stop_auto_rerun"):
            self._by_the_clock(getattr(message, kind))
        elif kind == "script_finished":
            self._finished(message.script_finished, set(about.run.fragment_ids))

    def _began(self, session: str, part: bool) -> None:
        self.session = session
        self._run += 1
        if not part:
            self._stop(list(self._clocks))

    def _finished(self, status: int, parts: set[str]) -> None:
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        for place, (run, part) in list(self._made.items()):
            if run < self._run and (not parts or part in parts):
                del self._made[place], self.elements[place]
        if not parts:
            self._whole = self._run
        self._ended.set()

    def _delta(self, place: tuple[int, ...], delta: Any) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        self.elements[place], self._made[place] = delta.new_element, (self._run, delta.fragment_id)
        if delta.new_element.WhichOneof("type") == "exception":
            error = delta.new_element.exception
            self.problems.append(f"{error.type}: {error.message}")

    def _by_the_clock(self, wish: Any) -> None:
        async def again() -> None:
            with suppress(ConnectionClosed):
                while True:
                    await asyncio.sleep(wish.interval)
                    await self.send(self._rerun(wish.fragment_id))

        if hasattr(wish, "interval"):
            self._stop([wish.fragment_id])
            self._clocks[wish.fragment_id] = asyncio.create_task(again())
        else:
            self._stop(list(wish.fragment_ids))

    def _stop(self, parts: list[str]) -> None:
        for part in parts:
            if part in self._clocks:
                self._clocks.pop(part).cancel()
