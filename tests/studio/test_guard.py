"""What the server is held to before Streamlit sees a request."""

from __future__ import annotations

import argparse
import asyncio
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit
from starlette.types import Message, Receive, Scope, Send
from streamlit import config

from driftsched.cli.main import studio_arguments, studio_command
from driftsched.studio import guard, turns
from driftsched.studio.guard import MAX_SESSION_MB, Guard
from tests.support.virtual_time import VirtualLoop

ROOT = Path(__file__).resolve().parents[2]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Message]:
    """Give ``guarded(path, …)``: how the server's answer to a request begins."""
    monkeypatch.setattr(config, "get_option", lambda _: ["localhost", "127.0.0.1"])
    monkeypatch.setattr(guard, "_is_there", lambda _: True)
    app = Guard(answer)

    def ask(path: str, method: str = "GET", host: str = "localhost:8501", **headers: str) -> Any:
        given = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": raw,
            "query_string": b"",
        }
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        asyncio.run(app(scope, receive, send))
        return sent[0]

    return ask


def test_only_the_names_of_this_machine_are_answered(guarded: Callable[..., Message]) -> None:
    """Else any site could have a visitor's browser read the studio under a name of its own."""
    assert guarded("/")["status"] == 200
    assert guarded("/", host="127.0.0.1:8501")["status"] == 200
    assert guarded("/", host="evil.example:8501")["status"] == 400


def test_every_answer_says_what_a_page_may_load_and_who_may_frame_it(
    guarded: Callable[..., Message],
) -> None:
    headers = {name.decode(): value.decode() for name, value in guarded("/run")["headers"]}
    assert "img-src 'self' data: blob:" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"


def test_uploads_of_a_session_are_bounded_together(guarded: Callable[..., Message]) -> None:
    """Each alone was bounded; twelve of them filled the memory."""
    path, size = "/_stcore/upload_file/ann/{}", str(48_000_000)
    several = [
        guarded(path.format(n), "PUT", content_length=size)["status"]
        for n in range(MAX_SESSION_MB // 48 + 1)
    ]
    assert several == [200] * (len(several) - 1) + [413]
    assert guarded("/_stcore/upload_file/bob/1", "PUT", content_length=size)["status"] == 200
    assert guarded(path.format(0), "DELETE")["status"] == 200
    assert guarded(path.format(9), "PUT", content_length=size)["status"] == 200
    assert guarded(path.format(10), "PUT")["status"] == 413, "nobody knows how long it is"


def test_a_page_that_sends_without_a_pause_is_read_slowly() -> None:
    """Else one visitor's messages keep the server from everybody's."""

    async def receive() -> Message:
        return {"type": "websocket.receive"}

    async def taken() -> list[float]:
        message, clock = guard.paced(receive), asyncio.get_running_loop()
        began = clock.time()
        return [clock.time() - began for _ in range(200) if await message()]

    loop = VirtualLoop()
    at_s = loop.run_until_complete(taken())
    loop.close()
    assert at_s[guard.BURST - 1] < 0.01, "a click and what follows it wait for nothing"
    assert at_s[-1] == pytest.approx((200 - guard.BURST) / guard.PER_S, rel=0.02)


def test_a_session_that_asks_without_a_pause_waits_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, used, session = [100.0], [0.0], dict[str, Any]()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(streamlit, "session_state", session)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "thread_time", lambda: used[0])
    monkeypatch.setattr(time, "sleep", sleep)
    for _ in range(100):
        with turns.my_turn():
            used[0] += 0.5
            now[0] += 0.5
    assert waits[:5] == [0.0] * 5, "a few quick moves wait for nothing"
    assert used[0] / (now[0] - 100) == pytest.approx(turns.SHARE, rel=0.1)
    now[0] += turns.CREDIT_S / turns.SHARE
    with turns.my_turn():
        pass
    assert waits[-1] == 0.0


def test_the_server_listens_on_this_machine_alone_unless_it_is_opened() -> None:
    with (ROOT / ".streamlit" / "config.toml").open("rb") as file:
        assert tomllib.load(file)["server"]["address"] == "127.0.0.1"
    parser = argparse.ArgumentParser()
    studio_command(parser)
    usual = studio_arguments(parser.parse_args([]))
    assert "--server.address=127.0.0.1" in usual
    assert "--server.allowedHosts=*" not in usual
    opened = studio_arguments(parser.parse_args(["--address", "10.1.2.3", "--host", "lab.example"]))
    assert "--server.address=10.1.2.3" in opened
    assert "--server.allowedHosts=lab.example" in opened
    assert "--server.allowedHosts=*" not in opened
