"""A small OpenAI-compatible server on loopback that misbehaves as its address says.

``http://127.0.0.1:PORT/FAULT/v1``: FAULT is a name from `FAULTS`, or several joined by ``.``, of
which each request takes one by its seed in turn; ``all`` stands for every one that ends.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from typing import Any, Self

from tests.support.faults import ENDING, FAULTS, Exchange
from tests.support.patience import STEP_S


class FaultyServer:
    """Runs in a thread of its own; use it as a context manager."""

    def __init__(self, metrics: str = "") -> None:
        self.attempts: Counter[int] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.port = 0
        self._metrics = metrics
        self._dies = False
        self.never = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(
            STEP_S
        )
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(STEP_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STEP_S)
        self._loop.close()

    def address(self, faults: str) -> str:
        return f"http://127.0.0.1:{self.port}/{faults}/v1"

    def die_after_models(self) -> None:
        """Stop listening as soon as the list of models has been asked for."""
        self._dies = True

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.splitlines()
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            await self._answer(first.split()[1], headers.get("authorization", ""), body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _answer(self, path: str, key: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.keys.add(key)
        faults, last = path.split("/")[1], path.rpartition("/")[2]
        if last == "models":
            if faults == "slow-models":
                await self._drip("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", writer)
            models = {"data": [{"id": "tiny", "owned_by": "vllm", "max_model_len": 2048}]}
            writer.write(_plain("200 OK", "application/json", json.dumps(models)))
            if self._dies:
                self._listening.close()
        elif path == "/metrics" and self._metrics:
            writer.write(_plain("200 OK", "text/plain", self._metrics))
        elif last == "completions":
            asked = json.loads(body)
            self.bodies.append(asked)
            names = faults.split(".") if faults != "all" else ENDING
            exchange = Exchange(self, asked, key, writer)
            await FAULTS[names[asked["seed"] % len(names)]](exchange)
        else:
            writer.write(_plain("404 Not Found", "text/plain", "nothing here"))
        await writer.drain()

    async def _drip(self, text: str, writer: asyncio.StreamWriter) -> None:
        """Send a text, and then a byte now and then for ever: no single wait is long."""
        writer.write(text.encode())
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)


def _plain(status: str, kind: str, text: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text.encode())}"
    return f"{head}\r\nConnection: close\r\n\r\n{text}".encode()
