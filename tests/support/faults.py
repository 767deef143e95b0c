"""Ways in which an OpenAI-compatible server misbehaves; `FaultyServer` plays them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.faulty_server import FaultyServer

Fault = Callable[["Exchange"], Awaitable[None]]
FAULTS: dict[str, Fault] = {}
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


def fault(name: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return register


class Exchange:
    """One request, and ways to answer it."""

    def __init__(
        self, server: FaultyServer, body: dict[str, Any], key: str, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.body, self.key, self.writer = server, body, key, writer
        # Which attempt of this request it is, from 1.
        server.attempts[body["seed"]] += 1
        self.attempt = server.attempts[body["seed"]]

    async def head(self, status: str, kind: str = "text/event-stream", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join(lines) + "\r\n\r\n")

    async def raw(self, text: str) -> None:
        self.writer.write(text.encode())
        await self.writer.drain()

    async def refuse(self, status: str, message: str, **headers: str) -> None:
        await self.head(status, "application/json", **headers)
        await self.raw(json.dumps({"error": {"message": message}}))

    async def event(self, event: Any) -> None:
        await self.raw(f"data: {json.dumps(event)}\n\n")

    async def words(self, count: int) -> None:
        for number in range(count):
            await self.event({"choices": [{"index": 0, "delta": {"content": f"word{number} "}}]})

    async def end(self, usage: Any = USAGE) -> None:
        await self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if usage is not None:
            await self.event({"choices": [], "usage": usage})
        await self.raw("data: [DONE]\n\n")


@fault("fine")
async def _fine(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end()


@fault("busy-once")
async def _busy_once(exchange: Exchange) -> None:
    if exchange.attempt == 1:
        await exchange.refuse("429 Too Many Requests", "slow down", Retry_After="0")
    else:
        await _fine(exchange)


@fault("busy")
async def _busy(exchange: Exchange) -> None:
    await exchange.refuse("429 Too Many Requests", "slow down", Retry_After="0")


@fault("unavailable-once")
async def _unavailable_once(exchange: Exchange) -> None:
    if exchange.attempt == 1:
        await exchange.refuse("503 Service Unavailable", "starting")
    else:
        await _fine(exchange)


@fault("broken")
async def _broken(exchange: Exchange) -> None:
    await exchange.refuse("500 Internal Server Error", "out of memory\n\x1b[31mtrace")


@fault("hangs-up-once")
async def _hangs_up_once(exchange: Exchange) -> None:
    if exchange.attempt > 1:
        await _fine(exchange)


@fault("stalled")
async def _stalled(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.server.never.wait()


@fault("silent")
async def _silent(exchange: Exchange) -> None:
    await exchange.server.never.wait()


@fault("stalled-midway")
async def _stalled_midway(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(2)
    await exchange.server.never.wait()


@fault("cut")
async def _cut(exchange: Exchange) -> None:
    await exchange.head("200 OK", Transfer_Encoding="chunked")
    event = 'data: {"choices": [{"delta": {"content": "word "}}]}\n\n'
    await exchange.raw(f"{len(event):x}\r\n{event}\r\n" * 3)


@fault("ends-early")
async def _ends_early(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(3)


@fault("malformed")
async def _malformed(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(2)
    await exchange.raw('data: {"choices": [{"delta": {"content": "wo\n\n')


@fault("odd-json")
async def _odd_json(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.event([1, 2, 3])


@fault("error-event")
async def _error_event(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(2)
    await exchange.event({"error": {"message": "the worker died"}})


@fault("usage-too-small")
async def _usage_too_small(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end({"prompt_tokens": 9, "completion_tokens": 2})


@fault("usage-too-large")
async def _usage_too_large(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end({"prompt_tokens": 9, "completion_tokens": 100_000})


@fault("usage-no-number")
async def _usage_no_number(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end({"prompt_tokens": "many", "completion_tokens": True})


@fault("usage-missing")
async def _usage_missing(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end(None)


@fault("usage-huge-prompt")
async def _usage_huge_prompt(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end(USAGE | {"prompt_tokens": 2**63 - 1})


@fault("words-after-the-end")
async def _words_after_the_end(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(5)
    await exchange.end()
    await exchange.words(3)


@fault("long-line")
async def _long_line(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.words(1)
    await exchange.event({"choices": [{"delta": {"content": "x" * 1_000_000}}]})
    await exchange.end()


@fault("endless")
async def _endless(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    while True:
        await exchange.words(50)


@fault("redirect")
async def _redirect(exchange: Exchange) -> None:
    target = f"http://other.example:1/v1/chat?key={exchange.key}"
    await exchange.head("307 Temporary Redirect", Location=target, Content_Length="0")


@fault("empty")
async def _empty(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    await exchange.raw("data: [DONE]\n\n")


@fault("nothing")
async def _nothing(exchange: Exchange) -> None:
    await exchange.head("200 OK")


@fault("no-stream")
async def _no_stream(exchange: Exchange) -> None:
    await exchange.head("200 OK", "application/json")
    await exchange.raw(json.dumps({"choices": [{"message": {"content": "all at once"}}]}))


@fault("drip")
async def _drip(exchange: Exchange) -> None:
    await exchange.head("200 OK")
    text = 'data: {"choices": [{"delta": {"content": "wörd "}}]}\r\n\r\n' * 5
    for byte in text.encode():
        exchange.writer.write(bytes([byte]))
        await exchange.writer.drain()
        await asyncio.sleep(0)
    await exchange.end()


@fault("tells-the-key")
async def _tells_the_key(exchange: Exchange) -> None:
    await exchange.refuse("401 Unauthorized", f"no such key: {exchange.key}")


ENDING = [name for name in FAULTS if name != "endless"]
"""The faults that "all" stands for."""
