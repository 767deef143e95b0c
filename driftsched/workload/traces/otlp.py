"""Spans of OpenTelemetry, as its collector's file exporter writes them: OTLP in JSON, one a line.

A request is a span that says how many tokens it used, by the semantic conventions for generative AI
(``gen_ai.usage.input_tokens``, ``gen_ai.usage.output_tokens``), or as vLLM's own spans name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from driftsched.scenario.recorded import FORMATS, OTLP

MARK = "resourceSpans"
USED = {
    FORMATS[OTLP].prompt_tokens: ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    FORMATS[OTLP].output_tokens: ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
}
"""Column → the attributes that may hold it."""
SENDERS = ("user.id", "enduser.id", "gen_ai.agent.name", "service.name")
"""Attributes of a span or its resource that say whose it is, the first one counts."""


def requests_in(export: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Requests of one export as records with the columns of the format, in its order."""
    for resource in _objects(export.get(MARK)):
        about = resource.get("resource")
        shared = _attributes(about if isinstance(about, dict) else {})
        for scope in _objects(resource.get("scopeSpans")):
            for span in _objects(scope.get("spans")):
                record = _request(span, shared)
                if record is not None:
                    yield record


def _request(span: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any] | None:
    own = _attributes(span)
    found = {
        column: next((own[name] for name in names if name in own), None)
        for column, names in USED.items()
    }
    if all(value is None for value in found.values()):
        return None
    layout, known = FORMATS[OTLP], shared | own
    if found[layout.output_tokens] is None:
        found[layout.output_tokens] = 0  # it failed before its answer
    client = next((str(known[name]) for name in SENDERS if name in known), "all")
    return found | {layout.time: span.get(layout.time), str(layout.client): client}


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    """Attributes by name; a value is an object of one entry, such as {"intValue": "12"}."""
    return {
        str(pair.get("key")): next(iter(pair["value"].values()), None)
        for pair in _objects(holder.get("attributes"))
        if isinstance(pair.get("value"), dict)
    }


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))
