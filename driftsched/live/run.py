"""Run a scenario live: the same gateway, the same tables, a real clock and a real engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from driftsched.core.errors import CancelledError
from driftsched.gateway.gateway import Gateway
from driftsched.live.attempts import AttemptLog
from driftsched.live.dispatcher import Dispatcher, replica_slots
from driftsched.live.engine import Engine, EngineFacts, Probe
from driftsched.live.journal import Journal
from driftsched.live.options import LiveOptions
from driftsched.live.snapshot import FrozenState, LiveSnapshot, State, live_result, snapshot_of
from driftsched.live.telemetry import NvmlProbe, ProcessProbe, Sampler
from driftsched.live.traffic import (
    LiveTraffic,
    check_facts,
    check_options,
    live_scenario,
    live_workload,
)
from driftsched.results.tables import RunResult
from driftsched.scenario.model import Scenario
from driftsched.scheduling.policies import Policy
from driftsched.workload.drift import drift_marks
from driftsched.workload.generate import generate
from driftsched.workload.table import Workload

JOURNAL_S = 1.0
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
    workload, policy : optional
        The scenario's traffic, where it was generated before, and a policy object of the caller's
        own, which must be empty.
    probes : sequence of Probe, optional
        Telemetry beside what the engine itself offers; by default this machine's GPUs and process.
    journal : Path, optional
        Where its rows are kept as they end (`driftsched.live.journal`); not with a workload or a
        policy of the caller's own, which no file describes.
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
        journal: Path | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.options = options
        self.facts: EngineFacts | None = None
        self.state: State = "opening"
        self.result: RunResult | None = None
        self._gateway = Gateway(scenario, policy)
        check_options(scenario, options, self._gateway.policy)
        self._workload = workload if workload is not None else generate(scenario)
        scale = options.time_scale
        self._traffic = LiveTraffic.of(
            live_scenario(scenario, scale), live_workload(self._workload, scale)
        )
        self._engine = engine if engine is not None else options.engine.build()
        self._probes = probes
        self._gpus: NvmlProbe | None = None
        self._sampler = Sampler(self.clock)
        described = journal is not None and workload is None and policy is None
        self._journal = Journal(journal) if journal and described else None
        self._began = datetime.now(UTC)
        self._progress = progress
        self._log = AttemptLog(self._traffic)
        self._origin: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._dispatcher: Dispatcher | None = None
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
        """Run to the end, or until it is stopped; what had not ended then is ``cancelled``.

        Raises
        ------
        RunError
            The engine cannot be reached or loaded.
        ScenarioError
            This engine cannot run the scenario.
        """
        started, self._began = time.perf_counter(), datetime.now(UTC)
        self._loop = asyncio.get_running_loop()
        self._work = self._loop.create_task(self._open_and_serve())
        if self._asked_s is not None:
            self._work.cancel()
        try:
            await self._work
        except (asyncio.CancelledError, CancelledError):
            if self._asked_s is None:
                self._asked_s = self.clock()
            self._log.close(self.clock())
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._engine.close(), CLOSING_S)
            if self._gpus:
                self._gpus.close()
        if self._progress and self._asked_s is None:
            self._progress(1.0)
        ended = self._copy()
        if self._journal and self._journal.begun:
            self._journal.write(self._journal.news(ended))
        self.result = self._tables(ended, time.perf_counter() - started, self._about())
        self.state = "ended"
        return self.result

    async def _open_and_serve(self) -> None:
        """Open the engine and serve the traffic."""
        self.facts = facts = await self._engine.open()
        check_facts(self.scenario, facts)
        if facts.counts_prompts:
            self._traffic = await self._traffic.counted(self._engine)
        self._dispatcher = dispatcher = Dispatcher(
            self._traffic, self.options, self._gateway, self._engine, facts, self.clock
        )
        self._log = AttemptLog(self._traffic, dispatcher.clients)
        if self._probes is None:
            self._gpus = await asyncio.to_thread(NvmlProbe)
            self._probes = (self._gpus, ProcessProbe())
        probes = (*self._engine.probes(), *self._probes)
        if self._journal:
            self._journal.begin(self.scenario, self._traffic, self._about())
        self._origin = asyncio.get_running_loop().time()
        self.state = "running"
        keeping = asyncio.create_task(self._keep_rows())
        serving = asyncio.create_task(dispatcher.serve())
        sampling = asyncio.create_task(
            self._sampler.run(probes, dispatcher.running, self.options.telemetry_s, self._on_sample)
        )
        try:
            await asyncio.wait((serving, sampling), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.state = "stopping"
            serving.cancel()
            sampling.cancel()
            keeping.cancel()
            await dispatcher.stop()
            self._stopped_s = self.clock()
            ends = await asyncio.gather(serving, sampling, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    async def _keep_rows(self) -> None:
        """Write what has ended to the journal, once a second."""
        while self._journal:
            await asyncio.sleep(JOURNAL_S)
            await asyncio.to_thread(self._journal.write, self._journal.news(self._copy()))

    def _on_sample(self) -> None:
        if self._progress:
            self._progress(self._log.ended() / max(1, self._log.expected(self.clock())))

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
        # One that was taken just before the end is not shown after it.
        fresh = age < max_age_s and self.state != "ended"
        if latest is not None and (latest.done or fresh):
            return latest
        state = self._copy_on_its_thread()
        if state.state == "ended" and self.result is not None:
            self._latest = snapshot_of(state, self.result)
        else:
            self._latest = snapshot_of(state, self._tables(state, state.now_s, {}))
        self._latest_at = time.monotonic()
        return self._latest

    def _copy_on_its_thread(self) -> FrozenState:
        """Copy what may still change, on the run's own thread while that is running."""
        copied: Future[FrozenState] = Future()
        if self.result is None and self._loop is not None:
            # Raises where the loop closes in between: then nothing changes any more.
            with suppress(RuntimeError, TimeoutError):
                self._loop.call_soon_threadsafe(lambda: copied.set_result(self._copy()))
                return copied.result(timeout=2.0)
        return self._copy()

    def _now_s(self) -> float:
        """Time of the run, which stands still once it has stopped."""
        return self.clock() if self._stopped_s is None else self._stopped_s

    def _copy(self) -> FrozenState:
        dispatcher = self._dispatcher
        now_s = self._now_s()
        return FrozenState(
            state=self.state,
            now_s=now_s,
            facts=self.facts,
            attempts=self._log.copied(),
            expected=self._log.expected(now_s),
            drift_marks=self._drifted(now_s),
            in_flight=dict(dispatcher.in_flight) if dispatcher else {},
            learning=list(self._gateway.learning),
            gpus=list(self._sampler.rows),
        )

    def _drifted(self, now_s: float) -> list[tuple[float, str]]:
        """When drift set in, up to `now_s`: (seconds of the run, label), in order of time."""
        starts = self._dispatcher.clients.starts if self._dispatcher else []
        segments = self._workload.segments
        marks = drift_marks(self.scenario, segments, starts, self.options.time_scale)
        return [(at, label) for at, label in marks if at <= now_s]

    # ---- the result ------------------------------------------------------------------------

    def _tables(self, state: FrozenState, wall_s: float, about: dict[str, Any]) -> RunResult:
        kind = self.options.engine.kind
        return live_result(
            self.scenario, self._traffic, state, engine=kind, wall_s=wall_s, about=about
        )

    def _about(self) -> dict[str, Any]:
        facts = self.facts
        about = {
            "engine": asdict(facts) if facts else None,
            "options": self.options.model_dump(mode="json"),
            "slots": replica_slots(self.scenario, self.options, facts) if facts else None,
            "started_at": self._began.isoformat(timespec="seconds"),
            "stop_asked_s": self._asked_s,
            "ended_s": self._stopped_s,
            "drift_marks": self._drifted(self._now_s()),
            "telemetry": self._gpus.said if self._gpus else None,
            "telemetry_failures": self._sampler.failures,
        }
        if self._journal and self._journal.begun:
            about |= {"journal": str(self._journal.path), "journal_failure": self._journal.failure}
        return about


def run_live(
    scenario: Scenario,
    options: LiveOptions,
    *,
    engine: Engine | None = None,
    workload: Workload | None = None,
    policy: Policy | None = None,
    probes: Sequence[Probe] | None = None,
    journal: Path | None = None,
    progress: Callable[[float], None] | None = None,
    observer: Callable[[LiveRun], None] | None = None,
) -> RunResult:
    """Run a scenario live on an event loop of its own, and wait for the tables at its end.

    `observer` is called once before the start with the run, to watch and stop it from another
    thread; all else is as in `LiveRun`.
    """
    run = LiveRun(
        scenario,
        options,
        engine=engine,
        workload=workload,
        policy=policy,
        probes=probes,
        journal=journal,
        progress=progress,
    )
    if observer:
        observer(run)

    async def whole() -> None:
        await run.run()

    # The result is not the task's: asyncio writes a task's result out as text, tables and all.
    asyncio.run(whole())
    assert run.result is not None
    return run.result
