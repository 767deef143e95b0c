"""A lean HTTP/1.1 transport under httpx: one read and little else for each piece of a stream."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from driftsched.live.http_chunks import ChunkDecoder, ChunkError

if TYPE_CHECKING:
    import httpx

__all__ = ["StreamTransport"]

KEEP_ALIVE_S = 2.0
"""Servers close idle connections after 5 s or less: ours must be gone well before."""
READ_BYTES = 65_536
MOST_HEAD_BYTES = 65_536

Place = tuple[str, str, int]


class Connection:
    """One connection, and since when it has been idle."""

    def __init__(
        self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.place, self.reader, self.writer = place, reader, writer
        self.used = False
        self.idle_s = 0.0

    @property
    def fresh(self) -> bool:
        """Whether it may be used again."""
        young = time.monotonic() - self.idle_s < KEEP_ALIVE_S
        return young and not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()


class Body:
    """The bytes of an answer, as they come."""

    def __init__(
        self,
        transport: StreamTransport,
        connection: Connection,
        head: httpx.Headers,
        status: int,
        read_s: float | None,
    ) -> None:
        self._transport, self._connection = transport, connection
        self._read_s = read_s
        self._httpx = transport._httpx
        self._chunked = head.get("transfer-encoding", "").lower() == "chunked"
        length = head.get("content-length")
        self._left = int(length) if length is not None and length.isdigit() else None
        if status in (204, 304):
            self._left = 0
        bounded = self._chunked or self._left is not None
        self._keep = bounded and head.get("connection", "").lower() != "close"
        self._done = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._chunks() if self._chunked else self._plain():
                yield piece
        except (OSError, ChunkError) as error:
            raise self._httpx.RemoteProtocolError("the answer was cut") from error
        self._done = True

    async def _read(self, most: int = READ_BYTES) -> bytes:
        if self._read_s is None:
            return await self._connection.reader.read(most)
        try:
            async with asyncio.timeout(self._read_s):
                return await self._connection.reader.read(most)
        except TimeoutError as error:
            raise self._httpx.ReadTimeout("the answer stalled") from error

    async def _plain(self) -> AsyncIterator[bytes]:
        while self._left is None or self._left > 0:
            most = READ_BYTES if self._left is None else min(READ_BYTES, self._left)
            data = await self._read(most)
            if not data:
                if self._left is None:
                    return
                raise self._httpx.RemoteProtocolError("the answer was cut")
            if self._left is not None:
                self._left -= len(data)
            yield data

    async def _chunks(self) -> AsyncIterator[bytes]:
        """Chunks that came with one read are given together."""
        decoder = ChunkDecoder()
        while not decoder.done:
            data = await self._read()
            if not data:
                raise self._httpx.RemoteProtocolError("the answer was cut")
            body = decoder.feed(data)
            if body:
                yield body
        self._keep = self._keep and not decoder.spare

    async def aclose(self) -> None:
        if self._done and self._keep:
            self._transport.keep(self._connection)
        else:
            self._connection.close()


@cache
def _stream_class() -> Any:
    """`Body` as httpx wants it: derived from its own class, which is not imported before use."""
    import httpx

    return type("Stream", (Body, httpx.AsyncByteStream), {})


class StreamTransport:
    """Sends over connections of its own; a kept one that turns out to be closed is replaced.

    httpx's own transport takes about 90 µs for each piece of a stream, this one about 40.
    """

    def __init__(self) -> None:
        import httpx

        self._httpx = httpx
        self._idle: defaultdict[Place, list[Connection]] = defaultdict(list)
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout", {})
        message = _message(request, await request.aread())
        while True:
            connection = await self._connection(request.url, limits.get("connect"))
            try:
                async with asyncio.timeout(limits.get("read")):
                    connection.writer.write(message)
                    await connection.writer.drain()
                    status, headers = await self._head(connection)
            except TimeoutError as error:
                connection.close()
                raise self._httpx.ReadTimeout("no answer in time", request=request) from error
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                connection.close()
                if connection.used and not isinstance(error, asyncio.LimitOverrunError):
                    continue  # it had been closed while idle: that says nothing of the server
                raise self._httpx.RemoteProtocolError("no answer came", request=request) from error
            except BaseException:
                connection.close()
                raise
            body = _stream_class()(self, connection, headers, status, limits.get("read"))
            return self._httpx.Response(status, headers=headers, stream=body)

    async def _head(self, connection: Connection) -> tuple[int, httpx.Headers]:
        while True:
            raw = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = raw.rstrip("\r\n").split("\r\n")
            version, _, rest = first.partition(" ")
            status = rest[:3]
            if not version.startswith("HTTP/1.") or not status.isdigit():
                raise self._httpx.RemoteProtocolError("the answer is not HTTP")
            if status.startswith("1"):
                continue  # an interim answer
            pairs = [line.partition(":")[::2] for line in lines]
            headers = self._httpx.Headers([(name.strip(), value.strip()) for name, value in pairs])
            if version == "HTTP/1.0":
                headers["connection"] = "close"
            return int(status), headers

    async def _connection(self, url: httpx.URL, timeout_s: float | None) -> Connection:
        port = url.port or (443 if url.scheme == "https" else 80)
        place = (url.scheme, url.host, port)
        kept = self._idle[place]
        while kept:
            connection = kept.pop()
            if connection.fresh:
                return connection
            connection.close()
        if url.scheme == "https" and self._tls is None:
            self._tls = self._httpx.create_ssl_context()
        tls: Any = self._tls if url.scheme == "https" else None
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(
                    url.host, port, ssl=tls, limit=MOST_HEAD_BYTES
                )
        except TimeoutError as error:
            raise self._httpx.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise self._httpx.ConnectError("no connection") from error
        return Connection(place, reader, writer)

    def keep(self, connection: Connection) -> None:
        """Take back a connection whose answer has been read to the end."""
        connection.used, connection.idle_s = True, time.monotonic()
        self._idle[connection.place].append(connection)

    async def __aenter__(self) -> StreamTransport:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
                with suppress(OSError):
                    await connection.writer.wait_closed()
        self._idle.clear()


def _message(request: httpx.Request, body: bytes) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % pair for pair in request.headers.raw]
    return b"\r\n".join([*lines, b"", b""]) + body
