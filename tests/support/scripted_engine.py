"""A live engine at the border: answers come by a script, so that tests know what must happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from driftsched.live import Answer, Call, EngineError, EngineFacts, OnToken, Probe


class ScriptedEngine:
    """Each call gives its planned tokens, one every `step_s`; `script` may decide otherwise.

    Parameters
    ----------
    script : callable, optional
        Call → None (as planned), an exception to raise, or a number of tokens after which the
        answer hangs for ever.
    """

    def __init__(
        self,
        script: Callable[[Call], EngineError | int | None] = lambda call: None,
        *,
        step_s: float = 0.0,
        replicas: int = 1,
        slots: int | None = None,
        planned_lengths: bool = False,
        open_error: Exception | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self.most = [0] * replicas
        self.running = [0] * replicas
        self.closed = 0
        self._script = script
        self._step_s = step_s
        self._open_error = open_error
        self._facts = EngineFacts(
            kind="scripted",
            model="script",
            replicas=replicas,
            slots=slots,
            planned_lengths=planned_lengths,
        )

    async def open(self) -> EngineFacts:
        if self._open_error:
            raise self._open_error
        return self._facts

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        self.calls.append(call)
        self.running[call.replica] += 1
        self.most[call.replica] = max(self.most[call.replica], self.running[call.replica])
        try:
            return await self._answer(call, on_token)
        finally:
            self.running[call.replica] -= 1

    async def _answer(self, call: Call, on_token: OnToken) -> Answer:
        what = self._script(call)
        if isinstance(what, EngineError):
            raise what
        for number in range(call.planned_output_tokens):
            if what is not None and number == what:
                await asyncio.Event().wait()
            await asyncio.sleep(self._step_s)
            on_token("word ", 1)
        return Answer("", call.planned_output_tokens, "stream")

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        raise NotImplementedError

    def probes(self) -> Sequence[Probe]:
        return ()

    async def close(self) -> None:
        self.closed += 1
