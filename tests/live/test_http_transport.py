"""The lean transport: chunked answers in any pieces, connections that are kept or replaced."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.live.http_chunks import ChunkDecoder, ChunkError
from driftsched.live.http_transport import StreamTransport


@settings(max_examples=60)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(1, 9)))
def test_chunks_come_back_whole_however_they_are_cut(parts: list[bytes], cuts: list[int]) -> None:
    """Else a token would be lost or doubled where a packet ends inside a chunk."""
    sent = b"".join(b"%X;ext=1\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    decoder, came, at = ChunkDecoder(), b"", 0
    for cut in [*cuts, len(sent)]:
        came += decoder.feed(sent[at : at + cut])
        at += cut
    assert came == b"".join(parts)
    assert decoder.done
    assert decoder.spare == b""


@pytest.mark.parametrize(
    "bad", [b"xyz\r\n", b"\r\n", b"-5\r\nhello", b"1" * 5000, b"0\r\n" + b"t" * 5000]
)
def test_what_is_no_chunk_is_refused(bad: bytes) -> None:
    """Else broken bytes would be taken for an answer, or read for ever."""
    with pytest.raises(ChunkError):
        ChunkDecoder().feed(bad)


def test_trailers_and_spare_bytes() -> None:
    """Else a connection with bytes left over would be used for the next call."""
    decoder = ChunkDecoder()
    assert decoder.feed(b"1\r\nx\r\n0\r\nA: b\r\n\r\nHTTP/1.1 200") == b"x"
    assert decoder.done
    assert decoder.spare == b"HTTP/1.1 200"


ANSWER = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def calls(answers: list[bytes | None], count: int, *, last: bool = False) -> tuple[list[str], int]:
    """Make `count` calls to a server that gives these answers, connection by connection.

    None closes the connection instead, `last` does so after the first answer. Returns texts or
    errors, and the connections that were made.
    """
    made = 0
    handlers: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        handlers.append(asyncio.current_task())
        while answers:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            answer = answers.pop(0)
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
            if last:
                break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def client() -> list[str]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        texts = []
        async with httpx.AsyncClient(
            transport=cast("httpx.AsyncBaseTransport", StreamTransport())
        ) as http:
            for _ in range(count):
                try:
                    texts.append((await http.get(f"http://127.0.0.1:{port}/")).text)
                except httpx.HTTPError as error:
                    texts.append(type(error).__name__)
        server.close()
        await asyncio.gather(*filter(None, handlers))
        return texts

    return asyncio.run(client()), made


def test_connections_are_kept_where_both_sides_agree() -> None:
    """Else each request would pay for a new connection, or be sent into a closed one."""
    assert calls([ANSWER, ANSWER, ANSWER], 3) == (["ok", "ok", "ok"], 1)
    closing = ANSWER.replace(b"Content-Length", b"Connection: close\r\nContent-Length")
    assert calls([closing, None], 1) == (["ok"], 1)


def test_a_kept_connection_that_was_closed_is_no_failure() -> None:
    """Else idle connections would make failed attempts, and latencies with a backoff inside."""
    assert calls([ANSWER, None, ANSWER], 2) == (["ok", "ok"], 2)
    assert calls([None, ANSWER], 2) == (["RemoteProtocolError", "ok"], 2), "new ones do count"


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_answer_is_an_error_of_httpx(answer: bytes) -> None:
    """Else a broken server would raise what nobody catches, or pass for a short answer."""
    assert calls([answer], 1, last=True)[0] == ["RemoteProtocolError"]
