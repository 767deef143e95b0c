"""Ask an OpenAI-compatible endpoint what it is: server, model, context, slots, metrics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from driftsched.live.engine import EngineError
from driftsched.live.openai_metrics import figures, read_metrics

if TYPE_CHECKING:
    from driftsched.live.openai_http import Http

__all__ = ["LLAMA_CPP", "Endpoint", "discover"]

LLAMA_CPP = "llama.cpp"
SERVERS = {"vllm": "vLLM", "sglang": "SGLang", "llamacpp": LLAMA_CPP}


@dataclass(frozen=True)
class Endpoint:
    """What was found at one address; None is unknown."""

    model: str
    metrics_address: str
    server: str | None = None
    context_tokens: int | None = None
    slots: int | None = None
    kv_capacity_tokens: int | None = None
    metrics: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shown_model(self) -> str:
        """The model's name; of a file on the server only the last part."""
        return PurePosixPath(self.model).name if self.model.startswith("/") else self.model


async def discover(http: Http, address: str, model: str | None) -> Endpoint:
    """Find out about an endpoint.

    Parameters
    ----------
    http : Http
        The client.
    address : str
        Base address, ending in /v1 for most servers.
    model : str or None
        The model asked for; None takes the first that is listed.

    Raises
    ------
    EngineError
        The endpoint cannot be reached, or does not list the model.
    """
    listed = _models(await http.get_json(f"{address}/models"))
    if model is not None and model not in listed:
        known = ", ".join(list(listed)[:8]) or "none"
        raise EngineError(f"engine.model must be one of those served ({known}), got {model}")
    if not listed:
        raise EngineError("the endpoint lists no model")
    name = model if model is not None else next(iter(listed))
    about = listed[name]
    root = urlunsplit((*urlsplit(address)[:2], "", "", ""))
    found = Endpoint(
        model=name,
        metrics_address=f"{root}/metrics",
        server=SERVERS.get(str(about.get("owned_by"))),
        context_tokens=_count(about.get("max_model_len")),
    )
    if found.server == LLAMA_CPP:
        found = await _llama_cpp(http, root, found)
    return await _metrics(http, found)


def _models(body: Any) -> dict[str, dict[str, Any]]:
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise EngineError("the endpoint's list of models has no data")
    return {str(row["id"]): row for row in rows if isinstance(row, dict) and "id" in row}


async def _llama_cpp(http: Http, root: str, found: Endpoint) -> Endpoint:
    """llama.cpp's own properties; its context is shared out evenly among its slots."""
    try:
        props = await http.get_json(f"{root}/props")
        slots = _count(props["total_slots"])
        context = _count(props["default_generation_settings"]["n_ctx"])
    except (EngineError, KeyError, TypeError):
        return replace(found, notes=("llama.cpp does not offer /props: its slots are not known.",))
    capacity = slots * context if slots and context else None
    return replace(found, slots=slots, context_tokens=context, kv_capacity_tokens=capacity)


async def _metrics(http: Http, found: Endpoint) -> Endpoint:
    try:
        samples = read_metrics((await http.get(found.metrics_address)).decode(errors="replace"))
    except EngineError as error:
        note = f"No server metrics: {found.metrics_address} answers {error.reason}."
        return replace(found, notes=(*found.notes, note))
    row = figures(samples, found.kv_capacity_tokens)
    server = found.server
    for name in SERVERS:
        if any(metric.startswith(f"{name}:") for metric in samples):
            server = SERVERS[name]
    if not row:
        note = f"{found.metrics_address} has no metric that is known here."
        return replace(found, server=server, notes=(*found.notes, note))
    capacity = _count(int(row.get("kv_capacity_tokens", 0)))
    return replace(found, server=server, metrics=tuple(row), kv_capacity_tokens=capacity)


def _count(value: Any) -> int | None:
    """A whole number above 0, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
