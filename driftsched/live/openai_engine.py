"""Any OpenAI-compatible endpoint, or several as replicas, as a live engine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin

from driftsched.core.errors import RunError
from driftsched.live.engine import Answer, Call, EngineError, EngineFacts, OnToken, Probe
from driftsched.live.openai_events import AnswerStream, EventReader, count
from driftsched.live.openai_http import Http, host
from driftsched.live.openai_metrics import MetricsProbe, figures, read_metrics
from driftsched.live.openai_options import ALLOWED, OpenAIOptions, check_endpoint, key_variable

PATHS = {"chat": "/chat/completions", "completions": "/completions"}
LLAMA_CPP = "llama.cpp"
SERVERS = {"vllm": "vLLM", "sglang": "SGLang", "llamacpp": LLAMA_CPP}
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
        self._facts: list[EngineFacts] = []

    async def open(self) -> EngineFacts:
        """Ask every endpoint what it is.

        Raises
        ------
        RunError
            One cannot be reached, refuses the key, or lists no such model.
        """
        options, models, found = self.options, set(), []
        for address in options.endpoints:
            try:
                model, facts = await _discover(self._http, address, options.model)
            except EngineError as error:
                refused = error.reason.startswith(("HTTP 401", "HTTP 403"))
                advice = f" ({_about_key(address, options)})" if refused else ""
                reason = (
                    error.reason if host(address) in error.reason else f"{address}: {error.reason}"
                )
                raise RunError(f"{reason[:1].upper()}{reason[1:]}{advice}") from None
            models.add(model)
            found.append(facts)
        if len(models) > 1:
            raise RunError(
                f"engine.endpoints must serve one model, got {', '.join(sorted(models))}"
            )
        self._facts, self._model = found, models.pop()
        notes = found[0].notes
        if options.priority == "none":
            ours = "The order is ours alone: no priority is passed to the server's own queue."
            notes = (*notes, ours)
        return replace(found[0], replicas=len(found), notes=notes)

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
        if not options.prefix_cache and self._facts[call.replica].server == LLAMA_CPP:
            body["cache_prompt"] = False
        if call.priority is not None and options.priority != "none":
            # A policy's score, lowest first, as the whole number that the server's queue expects.
            rank = round(call.priority * PRIORITY_STEPS)
            rank = max(-MOST_PRIORITY, min(MOST_PRIORITY, rank))
            body["priority"] = -rank if options.priority == "higher_first" else rank
        return body

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        raise NotImplementedError("an endpoint counts prompts in its usage figures")

    def probes(self) -> Sequence[Probe]:
        if not self._facts or not self._facts[0].metrics:
            return ()
        addresses = [urljoin(address, "/metrics") for address in self.options.endpoints]
        return (MetricsProbe(self._http, addresses, self._facts[0].kv_capacity_tokens),)

    async def close(self) -> None:
        await self._http.close()


def _about_key(address: str, options: OpenAIOptions) -> str:
    variable = key_variable(address, options.key_variable)
    if variable is None:
        return f"a key goes only to endpoints that {ALLOWED} names"
    return f"the key is read from {variable}"


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the end of the body, so that the connection can be used again; it comes at once."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass


# ---- what an endpoint is -------------------------------------------------------------------------


async def _discover(http: Http, address: str, model: str | None) -> tuple[str, EngineFacts]:
    """Find out about an endpoint: the model's name as it is asked for, and all that is known.

    Raises
    ------
    EngineError
        The endpoint cannot be reached, or does not list the model.
    """
    body = await http.get_json(f"{address}/models")
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise EngineError("the endpoint's list of models has no data")
    listed = {str(row["id"]): row for row in rows if isinstance(row, dict) and "id" in row}
    if model is not None and model not in listed:
        known = ", ".join(list(listed)[:8]) or "none"
        raise EngineError(f"engine.model must be one of those served ({known}), got {model}")
    if not listed:
        raise EngineError("the endpoint lists no model")
    name = model if model is not None else next(iter(listed))
    facts = EngineFacts(
        kind="openai",
        # Of a file on the server only the last part is shown.
        model=PurePosixPath(name).name if name.startswith("/") else name,
        server=SERVERS.get(str(listed[name].get("owned_by"))),
        context_tokens=count(listed[name].get("max_model_len")),
    )
    if facts.server == LLAMA_CPP:
        facts = await _llama_cpp(http, urljoin(address, "/props"), facts)
    return name, await _metrics(http, urljoin(address, "/metrics"), facts)


async def _llama_cpp(http: Http, url: str, facts: EngineFacts) -> EngineFacts:
    """llama.cpp's own properties; its context is shared out evenly among its slots."""
    try:
        props = await http.get_json(url)
        slots = count(props["total_slots"])
        context = count(props["default_generation_settings"]["n_ctx"])
    except (EngineError, KeyError, TypeError):
        return replace(facts, notes=("llama.cpp does not offer /props: its slots are not known.",))
    capacity = slots * context if slots and context else None
    return replace(facts, slots=slots, context_tokens=context, kv_capacity_tokens=capacity)


async def _metrics(http: Http, url: str, facts: EngineFacts) -> EngineFacts:
    """What the server's metrics offer; their names say which server it is."""
    try:
        text = (await http.get(url)).decode(errors="replace")
    except EngineError as error:
        note = f"No server metrics: {url} answers {error.reason}."
        return replace(facts, notes=(*facts.notes, note))
    for prefix, server in SERVERS.items():
        if re.search(rf"^{prefix}:", text, re.MULTILINE):
            facts = replace(facts, server=server)
    row = figures(read_metrics(text), facts.kv_capacity_tokens)
    if not row:
        return replace(facts, notes=(*facts.notes, f"{url} has no metric that is known here."))
    capacity = count(int(row.get("kv_capacity_tokens", 0)))
    return replace(facts, metrics=tuple(row), kv_capacity_tokens=capacity)
