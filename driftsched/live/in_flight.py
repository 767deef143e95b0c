"""One request in the engine: the calls made for it, its tokens, its time limits, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import nan

from driftsched.live.engine import Answer, Call, Engine, EngineError
from driftsched.live.options import LiveOptions
from driftsched.scheduling.request import Request

Clock = Callable[[], float]
"""Seconds since the run's start."""
STOPPED = "the run was stopped"


@dataclass(slots=True, eq=False)
class InFlightRequest:
    """A request from its dispatch to its end.

    Attributes
    ----------
    request : Request
        Its place in the tables; the first token's time is written as it comes.
    tokens, last_token_s
        Tokens that have come so far, as the stream counts them, and when the last of them came.
    attempts : int
        Calls made, the current one included.
    last_error : str
        Why the attempt before failed; empty where there was none.
    task : Task or None
        Runs it; None before.
    status, reason : str
        How it ended, by its client's leaving or else by the engine; empty while it has not.
    answer : Answer or None
        Only where it finished.
    output_tokens, counted_tokens : int
        Length of what came, in tokens and in the estimator's unit; 0 until it is measured.
    """

    request: Request
    call: Call
    options: LiveOptions
    clock: Clock
    tokens: int = 0
    last_token_s: float = nan
    attempts: int = 0
    last_error: str = ""
    task: asyncio.Task[None] | None = None
    status: str = ""
    reason: str = ""
    answer: Answer | None = None
    output_tokens: int = 0
    counted_tokens: int = 0
    _pieces: list[str] = field(default_factory=list)
    _next_token: asyncio.Timeout = field(init=False)

    def on_token(self, text: str, tokens: int) -> None:
        """Take a piece of the answer; the first sets the request's first_token_s."""
        self.last_token_s = now = self.clock()
        if not self.tokens:
            self.request.first_token_s = now
        self.tokens += tokens
        self._pieces.append(text)
        with suppress(RuntimeError):  # past its limit already: the call is being cancelled
            now = asyncio.get_running_loop().time()
            self._next_token.reschedule(now + self.options.stall_timeout_s)

    @property
    def in_engine(self) -> bool:
        """Whether the engine has been called and has not let go."""
        return self.task is not None and not self.task.done()

    def leave(self, status: str, reason: str) -> None:
        """Let its client leave: the engine is told to let go, unless it has been already.

        An answer that is complete, but waits for its gang, comes too late.
        """
        self.status, self.reason, self.answer = status, reason, None
        if self.task is not None and not self.task.cancelling():
            self.task.cancel()

    def measure(self, *, in_words: bool) -> None:
        """Take the length of the answer, or of what has come of it, and let go of the text."""
        self.output_tokens = self.answer.output_tokens if self.answer else self.tokens
        words = len("".join(self._pieces).split()) if in_words else self.output_tokens
        # An answer of signs without a word still is one: compensators need a length above 0.
        self.counted_tokens = max(1, words) if self.answer else words
        self._pieces.clear()

    async def run(self, engine: Engine) -> None:
        """Call the engine, again where that may help, until there is an end; never raises.

        A cancelled task ends too: as its client has it, else as cancelled.
        """
        whole = asyncio.timeout(self.options.timeout_s)
        try:
            async with whole:
                while not await self._attempt(engine):
                    pass
        except asyncio.CancelledError:
            # The task is the request's own and ends here: nothing waits for the exception.
            self._end("cancelled", STOPPED)
        except Exception as error:  # noqa: BLE001 - a faulty engine must not end the run
            limit = self._limit_passed(whole) if isinstance(error, TimeoutError) else ""
            if limit:
                self._end("timed_out", limit)
            else:
                self._end("failed", f"the engine raised {type(error).__name__}")

    def _end(self, status: str, reason: str, answer: Answer | None = None) -> None:
        """Take note of an end, unless the client left before it."""
        if not self.status:
            self.status, self.reason, self.answer = status, reason, answer

    async def _attempt(self, engine: Engine) -> bool:
        """Call the engine once; whether that was the end. Else the pause after it is over."""
        self.attempts += 1
        self._next_token = asyncio.timeout(self.options.first_token_timeout_s)
        try:
            async with self._next_token:
                answer = await engine.generate(self.call, self.on_token)
        except EngineError as error:
            retries = self.options.retries
            if not error.retryable or self.tokens or self.attempts >= retries.attempts:
                tries = f" ({self.attempts} attempts)" if self.attempts > 1 else ""
                self._end("failed", f"{error.reason}{tries}")
                return True
            self.last_error = error.reason
            await asyncio.sleep(retries.wait_s(self.attempts, error.retry_after_s))
            return False
        if answer.output_tokens < 1 or not self.tokens:
            self._end("failed", "the answer is empty")
        else:
            self._end("finished", answer.note, answer)
        return True

    def _limit_passed(self, whole: asyncio.Timeout) -> str:
        """Say which limit was passed; empty where none was."""
        options = self.options
        if whole.expired():
            passed = f"no end after {options.timeout_s:g} s"
        elif not self._next_token.expired():
            return ""
        elif self.tokens:
            passed = f"no further token for {options.stall_timeout_s:g} s after {self.tokens}"
        else:
            passed = f"no first token after {options.first_token_timeout_s:g} s"
        before = f"; attempt {self.attempts}, after: {self.last_error}" if self.last_error else ""
        return f"{passed}{before}"
