"""A probe sweep: calls sent to measure an engine, not to serve anybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan, nan

import pandas as pd

from driftsched.core.errors import RunError
from driftsched.live.calibration import Calibration, calibrate_requests
from driftsched.live.engine import Call, Engine, EngineError, EngineFacts
from driftsched.live.traffic import filler

Progress = Callable[[float], None]
Row = dict[str, float]
CALL_S = 600.0
"""A call that takes longer ends the sweep."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Calls of one kind: `calls` of them, `together` in the engine at a time.

    Answers take their lengths in turn; different ones keep the engine's requests out of step.
    """

    together: int
    calls: int
    prompt_words: int
    output_tokens: tuple[int, ...]


@dataclass(frozen=True)
class ProbePlan:
    """What to send: every batch size (1, 2, 4 … and `batch`) with every length of prompt.

    The longest answers show what cached context costs. A wave has so many `rounds` of calls for
    each place in the engine: from the second on requests join others at work, as in a real run.
    """

    batch: int = 8
    prompt_words: tuple[int, ...] = (10, 80, 300)
    output_tokens: tuple[int, ...] = (12, 20, 32, 48)
    rounds: int = 2

    def waves(self) -> Iterator[Wave]:
        """The waves in order; the first is repeated, so that it can be left out as warm-up."""
        sizes = [1 << power for power in range(self.batch.bit_length()) if 1 << power < self.batch]
        waves = [
            Wave(size, size * self.rounds, words, self.output_tokens)
            for size in (*sizes, self.batch)
            for words in self.prompt_words
        ]
        yield waves[0]
        yield from waves


async def probe(
    engine: Engine, plan: ProbePlan, progress: Progress | None = None
) -> tuple[Calibration, EngineFacts]:
    """Open an engine, sweep, close it, and calibrate from what was measured.

    Calls that do not fit the engine's context are left out; `progress` is called with the share of
    the work done.

    Raises
    ------
    RunError
        The engine cannot be opened, or a call fails.
    InputError
        Too little could be measured.
    """
    try:
        facts = await engine.open()
        waves = list(plan.waves())
        total, rows, sent = sum(wave.calls for wave in waves), [], 0
        for number, wave in enumerate(waves):
            measured = await _send(engine, facts, wave, sent)
            sent += wave.calls
            rows += measured if number else []
            if progress:
                progress(sent / total)
    finally:
        await engine.close()
    source = ", ".join(word for word in (facts.model, facts.server, facts.gpu) if word)
    return calibrate_requests(pd.DataFrame(rows), f"probe of {source}"), facts


async def _send(engine: Engine, facts: EngineFacts, wave: Wave, first: int) -> list[Row]:
    """Send a wave, `wave.together` calls at a time; rows as of a requests table."""
    room = (facts.context_tokens or 1_000_000) - 2 * wave.prompt_words
    if room < max(wave.output_tokens):
        return []
    places = asyncio.Semaphore(wave.together)

    async def one(number: int) -> Row:
        async with places:
            return await _call(engine, wave, number)

    try:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(one(first + number)) for number in range(wave.calls)]
    except ExceptionGroup as failed:
        runs, _ = failed.split(RunError)
        if runs is None:
            raise
        raise RunError(str(runs.exceptions[0])) from None
    return [call.result() for call in calls]


async def _call(engine: Engine, wave: Wave, number: int) -> Row:
    words, length = wave.prompt_words, wave.output_tokens[number % len(wave.output_tokens)]
    row = {"dispatch_s": time.monotonic(), "first_token_s": nan, "last_token_s": nan}

    def on_token(*_: object) -> None:
        row["last_token_s"] = now = time.monotonic()
        if isnan(row["first_token_s"]):
            row["first_token_s"] = now

    call = Call(
        request_id=number,
        tenant="probe",
        # Different from the first word on, so that no cache of prompts helps.
        prompt=f"{number} write a long list: {filler(max(words - 6, 1))}",
        max_output_tokens=length,
        planned_output_tokens=length,
        temperature=1.0,
        seed=number,
    )
    try:
        async with asyncio.timeout(CALL_S):
            answer = await engine.generate(call, on_token)
    except TimeoutError:
        raise RunError(f"the probe's call {number} had no end after {CALL_S:g} s") from None
    except EngineError as error:
        raise RunError(f"the probe's call {number} failed: {error.reason}") from None
    row["prompt_tokens"] = answer.prompt_tokens or words
    row["output_tokens"] = answer.output_tokens
    row["cached_tokens"] = answer.cached_tokens or 0
    return row
