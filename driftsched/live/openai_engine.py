"""Any OpenAI-compatible endpoint, or several as replicas, as a live engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from driftsched.core.errors import RunError
from driftsched.live.allow_list import check_endpoint
from driftsched.live.engine import Answer, Call, EngineError, EngineFacts, OnToken, Probe
from driftsched.live.openai_events import AnswerStream, EventReader
from driftsched.live.openai_facts import LLAMA_CPP, Endpoint, discover
from driftsched.live.openai_http import Http
from driftsched.live.openai_metrics import MetricsProbe

if TYPE_CHECKING:
    from driftsched.live.openai_options import OpenAIOptions

__all__ = ["OpenAIEngine"]

PATHS = {"chat": "/chat/completions", "completions": "/completions"}
DRAIN_S = 0.05
PRIORITY_STEPS = 1000
"""Priorities are whole numbers there: a score's thousandths are kept."""
MOST_PRIORITY = 2**31 - 1


class OpenAIEngine:
    """Streams answers over HTTP from vLLM, SGLang, llama.cpp and others alike.

    Raises
    ------
    InputError
        An endpoint is not on this server's allow-list.
    """

    def __init__(self, options: OpenAIOptions) -> None:
        for address in options.endpoints:
            check_endpoint(address)
        self.options = options
        self._http = Http(options)
        self._model = ""
        self._endpoints: list[Endpoint] = []

    async def open(self) -> EngineFacts:
        """Ask every endpoint what it is.

        Raises
        ------
        RunError
            One cannot be reached, refuses the key, or lists no such model.
        """
        found: list[Endpoint] = []
        for address in self.options.endpoints:
            try:
                found.append(await discover(self._http, address, self.options.model))
            except EngineError as error:
                raise RunError(
                    f"engine.endpoints: {address}: {_advice(error, self.options)}"
                ) from None
        models = {endpoint.model for endpoint in found}
        if len(models) > 1:
            raise RunError(
                f"engine.endpoints must serve one model, got {', '.join(sorted(models))}"
            )
        self._endpoints, self._model = found, found[0].model
        first = found[0]
        notes = list(first.notes)
        if self.options.priority == "none":
            notes.append(
                "The order is ours alone: no priority is passed to the server's own queue."
            )
        return EngineFacts(
            kind="openai",
            model=first.shown_model,
            server=first.server,
            replicas=len(found),
            slots=first.slots,
            context_tokens=first.context_tokens,
            kv_capacity_tokens=first.kv_capacity_tokens,
            metrics=first.metrics,
            notes=tuple(notes),
        )

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        options = self.options
        reader = EventReader(options.max_line_bytes, options.max_answer_bytes)
        answer = AnswerStream(call.max_output_tokens, on_token)
        url = options.endpoints[call.replica] + PATHS[options.api]
        try:
            async with self._http.stream(url, self._body(call)) as chunks:
                async for chunk in chunks:
                    for data in reader.feed(chunk):
                        answer.take(data)
                    if answer.done:
                        await _drain(chunks)
        except EngineError as error:
            if answer.pieces and " token" not in error.reason:
                error.reason += f" after {answer.pieces} tokens"
            raise
        return answer.finished()

    def _body(self, call: Call) -> dict[str, Any]:
        options = self.options
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": call.max_output_tokens,
            "temperature": call.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if options.api == "chat":
            body["messages"] = [{"role": "user", "content": call.prompt}]
        else:
            body["prompt"] = call.prompt
        if options.send_seed and call.seed is not None:
            body["seed"] = call.seed
        if not options.prefix_cache and self._endpoints[call.replica].server == LLAMA_CPP:
            body["cache_prompt"] = False
        if call.priority is not None and options.priority != "none":
            body["priority"] = _priority(call.priority, options.priority == "higher_first")
        return body

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        raise NotImplementedError("an endpoint counts prompts in its usage figures")

    def probes(self) -> Sequence[Probe]:
        first = self._endpoints[0] if self._endpoints else None
        if first is None or not first.metrics:
            return ()
        addresses = [endpoint.metrics_address for endpoint in self._endpoints]
        return (MetricsProbe(self._http, addresses, first.kv_capacity_tokens),)

    async def close(self) -> None:
        await self._http.close()


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the end of the body, so that the connection can be used again; it comes at once."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass


def _priority(score: float, higher_first: bool) -> int:
    """A policy's score, lowest first, as the whole number that the server's queue expects."""
    whole = round(score * PRIORITY_STEPS)
    whole = max(-MOST_PRIORITY, min(MOST_PRIORITY, whole))
    return -whole if higher_first else whole


def _advice(error: EngineError, options: OpenAIOptions) -> str:
    if error.reason.startswith(("HTTP 401", "HTTP 403")):
        return f"{error.reason} (the key is read from {options.key_variable})"
    return error.reason
