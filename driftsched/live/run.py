"""Run a scenario live: the same gateway, the same tables, a real clock and a real engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from driftsched.core.errors import CancelledError
from driftsched.gateway.gateway import Gateway
from driftsched.live import prepare
from driftsched.live.books import Books
from driftsched.live.played import drift_so_far
from driftsched.live.sampler import Sampler
from driftsched.live.snapshot import Moment, counts, frozen, snapshot_of
from driftsched.live.tables import live_result
from driftsched.live.telemetry import MachineProbes
from driftsched.workload.generate import generate

if TYPE_CHECKING:
    from driftsched.live.dispatcher import Dispatcher
    from driftsched.live.engine import Engine, EngineFacts, Probe
    from driftsched.live.options import LiveOptions
    from driftsched.live.snapshot import LiveSnapshot, State
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.workload.table import Workload

__all__ = ["LiveRun"]

CLOSING_S = 5.0
"""How long an engine may take to close before it is left behind."""


class LiveRun:
    """One live run: `run` it on an event loop, watch and stop it from any thread.

    Parameters
    ----------
    scenario : Scenario
        What to run. Its `cluster` is not used: the engine is what it is.
    options : LiveOptions
        How to run it.
    engine : Engine, optional
        Instead of the one that the options describe; the run closes it.
    workload : Workload, optional
        The scenario's traffic, where it was generated before.
    policy : Policy, optional
        A policy object of the caller's own instead of the scenario's; it must be empty.
    probes : sequence of Probe, optional
        Telemetry beside what the engine itself offers; by default this machine's GPUs and process.
    progress : callable, optional
        Called on the run's thread with the share of requests that ended, 0 to 1; when it raises
        ``CancelledError`` the run is stopped as by `cancel`.

    Raises
    ------
    InputError
        The scenario or the options cannot be run live.
    """

    def __init__(
        self,
        scenario: Scenario,
        options: LiveOptions,
        *,
        engine: Engine | None = None,
        workload: Workload | None = None,
        policy: Policy | None = None,
        probes: Sequence[Probe] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.options = options
        self.facts: EngineFacts | None = None
        self.state: State = "opening"
        self.result: RunResult | None = None
        self._gateway = Gateway(scenario, policy)
        prepare.check(scenario, options, self._gateway.policy)
        traffic = workload if workload is not None else generate(scenario)
        self._prepared = prepare.scaled(scenario, traffic, options)
        self._engine = engine if engine is not None else options.engine.build()
        self._probes = probes
        self._machine: MachineProbes | None = None
        self._progress = progress
        self._books = Books(self._prepared)
        self._origin: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._dispatcher: Dispatcher | None = None
        self._sampler = Sampler((), lambda: (), self.clock, self._on_sample)
        self._asked_s: float | None = None
        self._stopped_s: float | None = None
        self._latest: LiveSnapshot | None = None
        self._latest_at = -1.0

    def clock(self) -> float:
        """Seconds since the first request could be sent; 0 before."""
        if self._origin is None or self._loop is None:
            return 0.0
        return self._loop.time() - self._origin

    # ---- running ---------------------------------------------------------------------------

    async def run(self) -> RunResult:
        """Run to the end, or until it is stopped.

        Returns
        -------
        RunResult
            With all that was measured, also after a stop: what had not ended is ``cancelled``.

        Raises
        ------
        RunError
            The engine cannot be reached or loaded.
        ScenarioError
            This engine cannot run the scenario.
        """
        started, began = time.perf_counter(), datetime.now(UTC)
        self._loop = asyncio.get_running_loop()
        self._work = self._loop.create_task(self._carry_out())
        if self._asked_s is not None:
            self._work.cancel()
        try:
            await self._work
        except (asyncio.CancelledError, CancelledError):
            if self._asked_s is None:
                self._asked_s = self.clock()
            self._books.close(self.clock())
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._engine.close(), CLOSING_S)
            if self._machine:
                self._machine.close()
        if self._progress and self._asked_s is None:
            self._progress(1.0)
        self.result = self._build(time.perf_counter() - started, began)
        self.state = "ended"
        return self.result

    async def _carry_out(self) -> None:
        """Open the engine and serve the traffic."""
        self.facts = facts = await self._engine.open()
        prepare.check_facts(self.scenario, facts)
        if facts.counts_prompts:
            self._prepared = await prepare.count_prompts(self._prepared, self._engine)
            self._books = Books(self._prepared)
        self._dispatcher = dispatcher = prepare.dispatcher(
            self.options,
            self._prepared,
            self._engine,
            facts,
            self._gateway,
            self.clock,
        )
        self._books.follow(dispatcher.clients)
        if self._probes is None:
            self._machine = await asyncio.to_thread(MachineProbes)
            self._probes = self._machine.probes
        probes = (*self._engine.probes(), *self._probes)
        self._sampler = Sampler(probes, lambda: dispatcher.running, self.clock, self._on_sample)
        self._origin = asyncio.get_running_loop().time()
        self.state = "running"
        await self._serve(dispatcher)

    async def _serve(self, dispatcher: Dispatcher) -> None:
        loop = asyncio.get_running_loop()
        tasks = (
            loop.create_task(dispatcher.serve()),
            loop.create_task(self._sampler.run(self.options.telemetry_s)),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.state = "stopping"
            for task in tasks:
                task.cancel()
            await dispatcher.stop()
            self._stopped_s = self.clock()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    def _on_sample(self) -> None:
        if self._progress:
            made = self._books.made().requests
            ended = len(made) - counts(made)[""]
            self._progress(ended / max(1, self._books.expected(self.clock())))

    # ---- stopping and watching, from any thread --------------------------------------------

    def cancel(self) -> None:
        """Stop the run; it ends within a second and keeps all that was measured. Thread-safe."""
        if self._asked_s is not None or self.state == "ended":
            return
        self._asked_s = self.clock()
        if self._loop is not None and self._work is not None:
            with suppress(RuntimeError):  # the loop has just closed: the run is over
                self._loop.call_soon_threadsafe(self._work.cancel)

    def snapshot(self, max_age_s: float = 0.4) -> LiveSnapshot:
        """State and tables right now, or up to `max_age_s` seconds ago. Thread-safe.

        What may still change is copied on the run's thread; the tables are built on the caller's.
        Not to be called on the run's own thread.
        """
        latest, age = self._latest, time.monotonic() - self._latest_at
        if latest is not None and (latest.done or age < max_age_s):
            return latest
        self._latest = self._describe(self._moment())
        self._latest_at = time.monotonic()
        return self._latest

    def _moment(self) -> Moment:
        """Copy what may still change, on the run's own thread while that is running."""
        copied: Future[Moment] = Future()
        if self.result is None and self._loop is not None:
            # Raises where the loop closes in between: then nothing changes any more.
            with suppress(RuntimeError, TimeoutError):
                self._loop.call_soon_threadsafe(lambda: copied.set_result(self._copy()))
                return copied.result(timeout=2.0)
        return self._copy()

    def _copy(self) -> Moment:
        dispatcher = self._dispatcher
        return Moment(
            now_s=self.clock(),
            tries=replace(tries := self._books.made(), requests=frozen(tries.requests)),
            expected=self._books.expected(self.clock()),
            drift_marks=self._drifted(),
            flights=dict(dispatcher.flights) if dispatcher else {},
            learning=list(self._gateway.learning),
            gpus=list(self._sampler.rows),
        )

    def _drifted(self) -> list[tuple[float, str]]:
        if self._dispatcher is None:
            return []
        return drift_so_far(
            self.scenario,
            self._prepared.workload.segments,
            self._dispatcher.clients.starts,
            self.options.time_scale,
            self.clock() if self._stopped_s is None else self._stopped_s,
        )

    def _describe(self, moment: Moment) -> LiveSnapshot:
        if self.result is None:
            tables = self._tables(moment, wall_s=moment.now_s, facts={})
            return snapshot_of(moment, tables, self.state, moment.now_s, self.facts)
        every = self._books.all()
        whole = replace(moment, tries=every, expected=len(every.requests))
        now_s = self._stopped_s or moment.now_s
        return snapshot_of(whole, self.result, "ended", now_s, self.facts)

    # ---- the result ------------------------------------------------------------------------

    def _tables(self, moment: Moment, *, wall_s: float, facts: dict[str, Any]) -> RunResult:
        return live_result(
            self.scenario,
            self._prepared.workload,
            self._prepared.budgets,
            moment,
            engine=self.options.engine.kind,
            wall_s=wall_s,
            facts=facts,
        )

    def _build(self, wall_s: float, began: datetime) -> RunResult:
        moment = replace(self._copy(), tries=self._books.all())
        facts = self.facts
        about = {
            "engine": asdict(facts) if facts else None,
            "options": self.options.model_dump(mode="json"),
            "slots": prepare.slots(self.scenario, self.options, facts) if facts else None,
            "started_at": began.isoformat(timespec="seconds"),
            "stop_asked_s": self._asked_s,
            "ended_s": self._stopped_s,
            "drift_marks": self._drifted(),
            "telemetry": self._machine.said if self._machine else None,
            "telemetry_failures": self._sampler.failures,
        }
        return self._tables(moment, wall_s=wall_s, facts=about)
