"""An event loop that never waits, and an engine whose iterations all last equally long.

With both a live run of minutes takes milliseconds, and its times are as exact as a simulated run's.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Sequence

from driftsched.live import Answer, Call, EngineFacts, LiveOptions, LiveRun, OnToken, Probe
from driftsched.results import RunResult
from driftsched.scenario import Scenario
from driftsched.workload import Workload

TURN_S = 1e-10
"""What a turn of the loop takes, so that time goes on also where all is due at once."""


class _Impatient(selectors.SelectSelector):
    """Instead of waiting it counts how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("the loop waits for ever: nobody will wake it")
        self.passed_s += max(timeout, TURN_S)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock starts at 0 and jumps to whatever is to happen next; no threads, no sockets."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        return self._impatient.passed_s


class SteadyEngine:
    """Every call gives a token each `step_s`, on a schedule of its own that never drifts.

    A call that is cancelled lets go at its next token, as a real engine does at the end of the
    iteration under way.
    """

    def __init__(self, step_s: float) -> None:
        self.step_s = step_s

    async def open(self) -> EngineFacts:
        return EngineFacts(kind="steady", model="steady", planned_lengths=True)

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        loop = asyncio.get_running_loop()
        start_s, number = loop.time(), 0
        try:
            for number in range(1, call.planned_output_tokens + 1):
                await asyncio.sleep(start_s + number * self.step_s - loop.time())
                on_token("word ", 1)
        except asyncio.CancelledError:
            await asyncio.sleep(start_s + number * self.step_s - loop.time())
            raise
        return Answer("", call.planned_output_tokens, "tokenizer")

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        raise NotImplementedError

    def probes(self) -> Sequence[Probe]:
        return ()

    async def close(self) -> None:
        pass


def virtual_run(
    scenario: Scenario, options: LiveOptions, step_s: float, workload: Workload | None = None
) -> RunResult:
    """Run live on a virtual clock, on an engine of equal iterations."""
    engine = SteadyEngine(step_s)
    return on_virtual_clock(LiveRun(scenario, options, engine=engine, workload=workload, probes=()))


def on_virtual_clock(run: LiveRun) -> RunResult:
    """Run it; how fast this machine is has no say in who comes too late."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run.run())
