"""What a live run's process does. Imports its engine when it is called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from driftsched.core.errors import CancelledError
from driftsched.experiments.twin import Twin
from driftsched.live import EngineFacts, LiveOptions
from driftsched.live.calibration import Calibration
from driftsched.live.run import LiveRun
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario

SNAPSHOT_S = 0.5
"""Snapshots are handed over twice a second: what the pages show."""


def live_run(
    scenario: Scenario, options: LiveOptions, *, progress: Callable[..., None]
) -> RunResult:
    """Run a scenario live; hands a `LiveSnapshot` to `progress` twice a second.

    Once `progress` raises ``CancelledError`` the run is stopped; what it measured is returned.
    """
    from driftsched.live import run_live
    from driftsched.live.journal import journal_path

    ended = threading.Event()
    watchers: list[threading.Thread] = []

    def watch(run: LiveRun) -> None:
        watcher = threading.Thread(target=_report, args=(run, progress, ended), daemon=True)
        watchers.append(watcher)
        watcher.start()

    try:
        return run_live(scenario, options, observer=watch, journal=journal_path())
    finally:
        ended.set()
        for watcher in watchers:
            watcher.join(SNAPSHOT_S * 4)


def _report(run: LiveRun, progress: Callable[..., None], ended: threading.Event) -> None:
    while not ended.wait(SNAPSHOT_S):
        snapshot = run.snapshot()
        share = sum(snapshot.ended.values()) / max(1, snapshot.requests)
        try:
            progress(share, snapshot)
        except (CancelledError, OSError):  # asked to stop, or the server has gone
            run.cancel()
            return


def connect(
    options: LiveOptions,
    attempt: int,  # noqa: ARG001  tells one test from the next, whose answer may differ
    *,
    progress: Callable[..., None],
) -> tuple[EngineFacts, str]:
    """Ask an engine what it is, and close it again; a sentence on this machine's GPU figures."""
    import asyncio

    from driftsched.live.telemetry import NvmlProbe

    async def ask() -> Any:
        engine = options.engine.build()
        try:
            return await engine.open()
        finally:
            await engine.close()

    progress(0.1)
    facts = asyncio.run(ask())
    gpus = NvmlProbe()
    gpus.close()
    return facts, gpus.said


def twin_of(
    saved: str, policies: Sequence[str], *, progress: Callable[..., None]
) -> tuple[Calibration, Twin]:
    """Fit the cost model to a saved live run; simulate its requests under each of the policies."""
    from driftsched.experiments.twin import build_twin
    from driftsched.live.calibration import calibrate_run
    from driftsched.live.hardware_entry import entry_of
    from driftsched.results.library import RunLibrary

    run = RunLibrary().load(saved)
    progress(0.2)
    calibration = calibrate_run(run)
    progress(0.6)
    entry = entry_of(calibration)
    twin = build_twin(
        run, entry.cost, handover_iterations=entry.handover_iterations, policies=policies
    )
    return calibration, twin
