"""Live runs of the server: one at a time on each engine, watched by any number of sessions.

A run goes in a process of its own, so that a model it loads never weighs on the pages, and outlives
page switches, reruns and the session that started it. Each is saved in the run library at its end,
a stopped one too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from driftsched.core.errors import DriftSchedError, InputError
from driftsched.live.journal import journal_of
from driftsched.live.openai_options import place_of
from driftsched.results.library import RunLibrary
from driftsched.results.tables import RunResult
from driftsched.studio.jobs import Job, State
from driftsched.studio.worker import Worker

GRACE_S = 15.0
"""A stopped run that has not handed over what it measured within this time is given up."""


class LiveJob(Job):
    """One live run and how far it is. Read it from any thread; only `LiveRuns` changes it.

    Its key is unique on this server from its start on. `engines` is what it holds while it runs, as
    people read it, `places` the same as it really is: all names of one server are one place.
    `owner` is the session that started it; `snapshot` the newest `LiveSnapshot` of the run;
    `result` is there at its end, after a stop too; `saved` is its id in the library, empty where
    saving failed (`error` then says why).
    """

    def __init__(self, key: str, title: str, engines: Sequence[str], owner: str) -> None:
        super().__init__(key)
        self.title, self.engines, self.owner = title, tuple(engines), owner
        self.places = places_of(engines)
        self.started = datetime.now(UTC)
        self.state = State.RUNNING
        self.result: RunResult | None = None
        self.snapshot: Any = None
        self.saved = ""

    @property
    def stopping(self) -> bool:
        """Whether somebody asked it to stop."""
        return self.unwanted.is_set()

    def tell(self, share: float, update: object = None) -> None:
        """Take note of the share done and of a snapshot."""
        super().tell(share)
        if update is not None:
            self.snapshot = update


class LiveRuns:
    """The server's live runs, `most` at once; the tables of `keep` ended ones stay in memory."""

    def __init__(self, keep: int = 6, most: int = 4) -> None:
        self._keep, self._most = keep, most
        self._jobs: dict[str, LiveJob] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def start(
        self,
        function: Callable[..., RunResult],
        args: tuple[Any, ...],
        *,
        title: str,
        engines: Sequence[str],
        owner: str,
    ) -> LiveJob:
        """Start ``function(*args, progress=…)`` in a process of its own.

        The function is importable by name, hands snapshots to ``progress(share, snapshot)`` and,
        when that raises ``CancelledError``, ends soon and returns what it has; its arguments are
        picklable. Raises ``InputError`` where one of the engines is in use, or where there are too
        many runs.
        """
        with self._lock:
            if holder := self._holder(engines):
                shared = ", ".join(holder.engines)
                raise InputError(
                    f"engine must be free to start a run, got {shared}, which runs "
                    f"“{holder.title}” since {holder.started:%H:%M:%S} UTC"
                )
            if sum(not job.ended.is_set() for job in self._jobs.values()) >= self._most:
                raise InputError(
                    f"live runs must be at most {self._most} at once on this server, got as many "
                    "under way"
                )
            job = LiveJob(f"live-{next(self._numbers)}", title, engines, owner)
            self._jobs[job.key] = job
            self._forget()
        threading.Thread(
            target=self._carry_out, args=(job, function, args), name=job.key, daemon=True
        ).start()
        return job

    def holder(self, engines: Sequence[str]) -> LiveJob | None:
        """Return a run under way on one of the engines, whatever they are called there."""
        with self._lock:
            return self._holder(engines)

    def _holder(self, engines: Sequence[str]) -> LiveJob | None:
        wanted = places_of(engines)
        under_way = (job for job in self._jobs.values() if not job.ended.is_set())
        return next((job for job in under_way if wanted & job.places), None)

    def all(self) -> list[LiveJob]:
        """Runs under way and those kept, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def stop(self, job: LiveJob) -> None:
        """Ask a run to end; what it has measured stays."""
        job.unwanted.set()

    def close(self) -> None:
        """Stop every run and wait until what they measured is saved."""
        jobs = self.all()
        for job in jobs:
            self.stop(job)
        for job in jobs:
            job.wait(GRACE_S + 5)

    def _forget(self) -> None:
        ended = [job for job in self._jobs.values() if job.ended.is_set()]
        for job in ended[: max(0, len(ended) - self._keep)]:
            del self._jobs[job.key]

    def _carry_out(
        self, job: LiveJob, function: Callable[..., RunResult], args: tuple[Any, ...]
    ) -> None:
        process = Worker(threads=None, memory_mb=None)
        try:
            kind, *rest = process.run(function, args, job.unwanted, job.tell, GRACE_S)
        finally:
            process.close()
        if kind == "done":
            job.result = rest[0]
            self._save(job, rest[0])
            state = State.CANCELLED if job.stopping else State.DONE
        elif kind == "cancelled":
            state = State.CANCELLED
        else:
            state, job.error = State.FAILED, str(rest[0])
        job.state = state
        job.ended.set()

    def _save(self, job: LiveJob, result: RunResult) -> None:
        journal = journal_of(result)
        try:
            job.saved = RunLibrary().save(result, job.title)
            if journal:
                journal.unlink(missing_ok=True)
        except DriftSchedError as error:
            job.error = str(error)


def places_of(engines: Sequence[str]) -> set[str]:
    """Where engines are: endpoints by their resolved addresses, others by their names."""
    return {place_of(engine) if "://" in engine else engine for engine in engines}


@cache
def live_runs() -> LiveRuns:
    """All live runs of this server."""
    return LiveRuns()
