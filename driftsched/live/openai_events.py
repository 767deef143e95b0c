"""Server-sent events of an OpenAI-compatible stream → pieces of text and what came of them."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from driftsched.core.config import MOST
from driftsched.live.engine import Answer, CountedBy, EngineError, OnToken
from driftsched.scenario.messages import shown


class EventReader:
    """Cuts bytes into events; refuses long lines and long answers before they fill the memory."""

    def __init__(self, most_line_bytes: int, most_bytes: int) -> None:
        self._most_line, self._most = most_line_bytes, most_bytes
        self._seen = 0
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that are complete with `chunk`.

        Raises
        ------
        EngineError
            A line or the whole answer is longer than allowed.
        """
        self._seen += len(chunk)
        if self._seen > self._most:
            raise EngineError(f"the answer is longer than {self._most} bytes")
        # A CR, a LF, or both end a line.
        lines = (self._rest + chunk).splitlines(keepends=True)
        if max(map(len, lines), default=0) > self._most_line:
            raise EngineError(f"a line of the answer is longer than {self._most_line} bytes")
        cut = bool(lines) and not lines[-1].endswith((b"\n", b"\r"))
        self._rest = lines.pop() if cut else b""
        data = (line[5:].strip() for line in lines if line.startswith(b"data:"))
        return [event for event in data if event]


class AnswerStream:
    """Puts the events of one answer together.

    `on_token` is called at each piece of text, as one token, and at the answer's end, as none;
    usage figures over `max_output_tokens` cannot be true. `pieces` counts the pieces of text so
    far; `done` says that the stream is complete, by its own word.
    """

    def __init__(self, max_output_tokens: int, on_token: OnToken) -> None:
        self.pieces = 0
        self.done = False
        self._most = max_output_tokens
        self._on_token = on_token
        self._texts: list[str] = []
        self._finish_reason = ""
        self._usage: Any = None

    def take(self, data: bytes) -> None:
        """Take the data of one event.

        Raises
        ------
        EngineError
            It is not JSON, not of the expected form, or an error that the server sends.
        """
        if self.done:
            return  # what follows the end is no part of the answer
        if data == b"[DONE]":
            self.done = True
            return
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise EngineError(f"the stream is not JSON{self._where()}") from None
        if not isinstance(event, dict):
            raise EngineError(f"an event of the stream is no object{self._where()}")
        if event.get("error") is not None:
            raise EngineError(f"the server reports{self._where()}: {error_text(event)}")
        if event.get("usage") is not None:
            self._usage = event["usage"]
        choices = event.get("choices")
        if isinstance(choices, list) and choices:
            self._choice(choices[0])

    def _choice(self, choice: Any) -> None:
        if not isinstance(choice, dict):
            raise EngineError(f"an event of the stream has no choice{self._where()}")
        delta = choice.get("delta", choice)
        text = _text(delta) if isinstance(delta, dict) else ""
        if text:
            self.pieces += 1
            self._texts.append(text)
            self._on_token(text, 1)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_reason = reason[:40]
            if self.pieces:
                # The end token took an iteration of its own, and usage figures count it.
                self._on_token("", 0)

    def finished(self) -> Answer:
        """Return the answer, once the stream has ended.

        The server's usage figure counts, where it can be true: at least one token a piece, at most
        as many as were asked for. Else the pieces do, and the note says why.

        Raises
        ------
        EngineError
            The stream ended before the answer did, or there is no answer.
        """
        if not (self.done or self._finish_reason):
            raise EngineError(f"the stream was cut{self._where()}", retryable=not self.pieces)
        usage = self._usage if isinstance(self._usage, dict) else {}
        output = count(usage.get("completion_tokens"))
        if not self.pieces:
            if not (self._finish_reason and output and output <= self._most):
                raise EngineError("the answer is empty")
            # The model said no more than that it has ended: generated, but without a text.
            self._on_token("", output)
        notes = []
        by: CountedBy = "usage"
        if output is None or not self.pieces <= output <= max(self._most, self.pieces):
            if usage.get("completion_tokens") is not None:
                notes.append(
                    f"usage says {_said(usage['completion_tokens'])} output tokens, "
                    f"{self.pieces} came: counted from the stream"
                )
            output, by = self.pieces, "stream"
        prompt = count(usage.get("prompt_tokens"))
        if prompt is None and _whole(usage.get("prompt_tokens")):
            notes.append(f"usage says {_said(usage['prompt_tokens'])} prompt tokens: not taken")
        return Answer(
            text="".join(self._texts),
            output_tokens=output,
            counted_by=by,
            prompt_tokens=prompt,
            cached_tokens=_cached(usage, prompt),
            finish_reason=self._finish_reason or "stop",
            note="; ".join(notes),
        )

    def _where(self) -> str:
        return f" after {self.pieces} tokens" if self.pieces else " before the first token"


def error_text(body: Any) -> str:
    """The message in an error body, whatever its form."""
    error = body.get("error", body.get("detail", body)) if isinstance(body, dict) else body
    if isinstance(error, dict):
        error = error.get("message", error)
    return str(error)


def _text(delta: dict[str, Any]) -> str:
    """The text of a piece: the answer's, or the reasoning before it, which is generated as well."""
    for name in ("content", "text", "reasoning_content", "reasoning"):
        text = delta.get(name)
        if isinstance(text, str) and text:
            return text
    return ""


def _cached(usage: dict[str, Any], prompt: int | None) -> int | None:
    """Tokens of the prompt that were not computed, where the server tells."""
    details = usage.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens") if isinstance(details, dict) else None, least=0)
    return cached if cached is None or prompt is None or cached <= prompt else None


def count(value: Any, least: int = 1) -> int | None:
    """A figure from outside as a count, up to a thousand million; None where it is none."""
    return value if _whole(value) and least <= value <= MOST else None


def _said(value: Any) -> str:
    """A figure that cannot be true, in a few signs."""
    return shown(value) if _whole(value) else "no number"


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
