"""One request in the engine: its attempts, its tokens, how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

from driftsched.live.engine import Answer, EngineError
from driftsched.live.time_limits import TimeLimits

if TYPE_CHECKING:
    from driftsched.live.engine import Call, Engine
    from driftsched.live.options import LiveOptions
    from driftsched.scheduling.request import Request

__all__ = ["STOPPED", "Clock", "End", "Flight"]

Clock = Callable[[], float]
"""Seconds since the run's start."""
STOPPED = "the run was stopped"


@dataclass(frozen=True, slots=True)
class End:
    """How a flight ended; `answer` only where it finished."""

    status: str
    reason: str = ""
    answer: Answer | None = None


class Flight:
    """A request from its dispatch to its end.

    Attributes
    ----------
    tokens : int
        Tokens that have come so far, as the stream counts them.
    last_token_s : float
        When the last of them came; NaN before the first.
    attempts : int
        Calls made, the current one included.
    last_error : str
        Why the attempt before failed; empty where there was none.
    task : Task or None
        Runs it; None before.
    end : End or None
        How the call ended; None while it is under way.
    left : End or None
        How its client ended it; None where it stayed.
    output_tokens, counted_tokens : int
        Length of what came, in tokens and in the estimator's unit; 0 until it is measured.
    """

    __slots__ = (
        "_pieces",
        "attempts",
        "call",
        "clock",
        "counted_tokens",
        "end",
        "last_error",
        "last_token_s",
        "left",
        "output_tokens",
        "request",
        "task",
        "tokens",
    )

    def __init__(self, request: Request, call: Call, clock: Clock) -> None:
        self.request = request
        self.call = call
        self.clock = clock
        self.tokens = 0
        self.last_token_s = nan
        self.attempts = 0
        self.last_error = ""
        self.task: asyncio.Task[End] | None = None
        self.end: End | None = None
        self.left: End | None = None
        self.output_tokens = 0
        self.counted_tokens = 0
        self._pieces: list[str] = []

    def on_token(self, text: str, tokens: int) -> None:
        """Take a piece of the answer; the first sets the request's first_token_s."""
        self.last_token_s = now = self.clock()
        if not self.tokens:
            self.request.first_token_s = now
        self.tokens += tokens
        self._pieces.append(text)

    @property
    def outcome(self) -> End | None:
        """How it ended: as its client has it, else as the call has; None while neither does."""
        return self.left or self.end

    @property
    def in_engine(self) -> bool:
        """Whether the engine has been called and has not let go."""
        return self.task is not None and not self.task.done()

    def leave(self, end: End) -> None:
        """Let its client leave: the engine is told to let go, unless it has been already."""
        self.left = end
        if self.task is not None and not self.task.cancelling():
            self.task.cancel()

    def measure(self, answer: Answer | None, *, in_words: bool) -> None:
        """Take the length of the answer, or of what has come of it, and let go of the text."""
        self.output_tokens = answer.output_tokens if answer else self.tokens
        words = len("".join(self._pieces).split()) if in_words else self.output_tokens
        # An answer of signs without a word still is one: compensators need a length above 0.
        self.counted_tokens = max(1, words) if answer else words
        self._pieces.clear()

    async def run(self, engine: Engine, options: LiveOptions) -> End:
        """Call the engine, again where that may help, until there is an end; never raises.

        A cancelled task ends too: as its client has it, as timed_out where a limit was passed, else
        as cancelled.
        """
        limits = TimeLimits(options, self)
        try:
            self.end = await self._attempts(engine, options, limits)
        except asyncio.CancelledError:
            # The task is the flight's own and ends here, so that nothing waits for the exception.
            self.end = self._cut_short(limits)
        except Exception as error:  # noqa: BLE001 - a faulty engine must not end the run
            self.end = End("failed", f"the engine raised {type(error).__name__}")
        finally:
            limits.stop()
        return self.end

    async def _attempts(self, engine: Engine, options: LiveOptions, limits: TimeLimits) -> End:
        retries = options.retries
        while True:
            self.attempts += 1
            limits.attempt()
            try:
                return self._finished(await engine.generate(self.call, self.on_token))
            except EngineError as error:
                again = error.retryable and not self.tokens and self.attempts < retries.attempts
                if not again:
                    tries = f" ({self.attempts} attempts)" if self.attempts > 1 else ""
                    return End("failed", f"{error.reason}{tries}")
                self.last_error = error.reason
                limits.between_attempts()
                await asyncio.sleep(retries.wait_s(self.attempts, error.retry_after_s))

    def _cut_short(self, limits: TimeLimits) -> End:
        if self.left is not None:
            return self.left
        if not limits.passed:
            return End("cancelled", STOPPED)
        before = f"; attempt {self.attempts}, after: {self.last_error}" if self.last_error else ""
        return End("timed_out", f"{limits.passed}{before}")

    def _finished(self, answer: Answer) -> End:
        if answer.output_tokens < 1 or not self.tokens:
            return End("failed", "the answer is empty")
        return End("finished", answer.note, answer)
