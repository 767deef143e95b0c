"""HTTP towards OpenAI-compatible endpoints: keys, limits, and every failure as one clear line.

Plain httpx, not the openai package: that reads an answer without a limit on its size, takes 0.1 ms
of processor time a token more, and would bring 30 MB and a second HTTP library for the few lines
that it could replace here.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from driftsched import __version__
from driftsched.core.errors import InputError, RunError
from driftsched.live.engine import EngineError
from driftsched.live.openai_events import error_text
from driftsched.live.openai_options import OpenAIOptions, key_variable

if TYPE_CHECKING:
    import httpx

RETRYABLE = (429, 503)
KEEP_ALIVE_S = 2.0
"""Servers close idle connections after 5 s: ours must be gone well before, or calls are lost."""
MOST_ERROR_BYTES = 4000
MOST_BODY_BYTES = 4_000_000
LONGEST_REASON = 300
DOCUMENT_S = 5.0


class Http:
    """A client that follows no redirect, reads no proxy settings and never shows a key.

    Raises
    ------
    InputError
        A key in the environment is not one.
    RunError
        httpx is not installed.
    """

    def __init__(self, options: OpenAIOptions) -> None:
        try:
            import httpx
            import prometheus_client  # noqa: F401  what the server's metrics are read with
        except ImportError as error:
            raise RunError(
                f"the openai engine needs the package {error.name}: pip install driftsched[live]"
            ) from None
        self._errors = httpx
        # The last is what an odd name of a host raises on its way to the resolver.
        self._failures = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
        self._keys = {host(address): _key(address, options) for address in options.endpoints}
        headers = {"User-Agent": f"driftsched/{__version__}", "Accept-Encoding": "identity"}
        # Waiting for tokens is bounded by the dispatcher, connecting here.
        self._client = httpx.AsyncClient(
            headers=headers,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=options.connect_timeout_s),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_S),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def scrub(self, text: str) -> str:
        """One short printable line without a key."""
        for key in filter(None, self._keys.values()):
            text = text.replace(key, "***")
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 3]}..."

    def _headers(self, url: str) -> dict[str, str]:
        """The key that belongs to a host goes there and nowhere else."""
        key = self._keys.get(host(url))
        return {"Authorization": f"Bearer {key}"} if key else {}

    @asynccontextmanager
    async def stream(self, url: str, body: dict[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Post `body` and yield the bytes of a successful answer as they come.

        Raises
        ------
        EngineError
            Whatever goes wrong on the way, in one line.
        """
        try:
            response = await self._post(url, body)
            try:
                if response.status_code != 200:
                    raise await self._refusal(response)
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                if kind != "text/event-stream":
                    raise EngineError(
                        self.scrub(f"the answer is no event stream but {kind or '?'}")
                    )
                yield response.aiter_raw()
            finally:
                await response.aclose()
        except self._failures as error:
            raise self._failure(error, url) from None
        except EngineError as error:
            error.reason = self.scrub(error.reason)
            raise

    async def _post(self, url: str, body: dict[str, Any]) -> httpx.Response:
        """Send; once more where a kept connection turns out to have been closed by the server."""
        errors = self._errors
        while True:
            connected: list[str] = []
            request = self._client.build_request(
                "POST",
                url,
                json=body,
                headers=self._headers(url),
                extensions={"trace": _noting_new_connections(connected)},
            )
            try:
                return await self._client.send(request, stream=True)
            except (errors.NetworkError, errors.RemoteProtocolError):
                # A connection of its own tells of the server; an old one only of having been idle.
                if connected:
                    raise

    async def get(self, url: str, timeout_s: float | None = None) -> bytes:
        """Fetch a small document, within `timeout_s` (5) from asking to its last byte.

        Raises
        ------
        EngineError
            It cannot be had, in one line.
        """
        try:
            async with (
                asyncio.timeout(timeout_s or DOCUMENT_S),
                self._client.stream(
                    "GET", url, headers=self._headers(url), timeout=None
                ) as response,
            ):
                if response.status_code != 200:
                    raise await self._refusal(response)
                return await _read(response, MOST_BODY_BYTES)
        except TimeoutError:
            raise EngineError(f"{host(url)} did not answer in time", retryable=True) from None
        except self._failures as error:
            raise self._failure(error, url) from None

    async def get_json(self, url: str) -> Any:
        """Fetch a small JSON document."""
        try:
            return json.loads(await self.get(url))
        except (ValueError, RecursionError):
            raise EngineError(f"{host(url)} answers with something that is not JSON") from None

    async def _refusal(self, response: httpx.Response) -> EngineError:
        status = response.status_code
        if 300 <= status < 400:
            target = urlsplit(response.headers.get("location", "")).hostname
            to = f" to host {target}" if target else ""
            return EngineError(self.scrub(f"HTTP {status}: a redirect{to}, not followed"))
        text = (await _read(response, MOST_ERROR_BYTES, cut=True)).decode(errors="replace")
        with suppress(ValueError, RecursionError):  # not JSON: the text as it is
            text = error_text(json.loads(text))
        return EngineError(
            self.scrub(f"HTTP {status}: {text or response.reason_phrase}"),
            retryable=status in RETRYABLE,
            retry_after_s=_retry_after_s(response.headers.get("retry-after")),
        )

    def _failure(self, error: Exception, url: str) -> EngineError:
        """Say in words what httpx met; its own texts may quote headers, so they are not used."""
        where, errors = host(url), self._errors
        if isinstance(error, errors.ConnectTimeout | errors.PoolTimeout):
            return EngineError(f"no connection to {where} in time", retryable=True)
        if isinstance(error, errors.ConnectError):
            if _refused(error):
                return EngineError(f"the server at {where} refused the connection", retryable=True)
            return EngineError(f"the server at {where} cannot be reached", retryable=True)
        if isinstance(error, errors.NetworkError | errors.RemoteProtocolError):
            return EngineError(f"the connection to {where} was cut", retryable=True)
        if isinstance(error, errors.TimeoutException):
            return EngineError(f"{where} did not answer in time", retryable=True)
        return EngineError(f"the exchange with {where} failed ({type(error).__name__})")


def _refused(error: BaseException | None) -> bool:
    """Whether a port answered that nobody listens there; each layer has wrapped the one before."""
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None


def _key(address: str, options: OpenAIOptions) -> str:
    """The key of an endpoint; "" where none is set, or none belongs to it."""
    variable = key_variable(address, options.key_variable)
    key = os.environ.get(variable, "").strip() if variable else ""
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"{variable} must hold a key of printable ASCII signs")
    return key


def _noting_new_connections(into: list[str]) -> Callable[[str, Any], Awaitable[None]]:
    async def trace(event: str, _: Any) -> None:
        if event.startswith("connection.connect_tcp"):
            into.append(event)

    return trace


def host(url: str) -> str:
    """Host and port of an address."""
    return urlsplit(url).netloc


async def _read(response: httpx.Response, most: int, *, cut: bool = False) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            if cut:
                return body[:most]
            raise EngineError(f"the answer is longer than {most} bytes")
    return body


def _retry_after_s(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None where it is neither."""
    if value is None:
        return None
    try:
        if value.strip().isdigit():
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
