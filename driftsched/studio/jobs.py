"""Work outside the script thread, shared by all sessions.

Equal work is done once: jobs with the same key are one job, and its result is kept for the next who
asks. A job belongs to no script run, so it outlives reruns and page switches.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from typing import Any

from driftsched.studio.worker import Worker

LEAST_S, LONG_S = 0.5, 10.0
"""Work expected to take less counts as so long; what is expected to take more is long."""
LEAST_BYTES = 1000
"""What one result takes at least."""
GRACE_S = 1.0
"""A cancelled task that does not end by itself within this time loses its process."""


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One task and how far it is. Read it from any thread; only the pool changes it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.state = State.QUEUED
        self.progress = 0.0
        self.result: Any = None
        self.size = LEAST_BYTES
        self.error = ""
        self.cost = 0.0
        self.task: tuple[Callable[..., Any], tuple[Any, ...]]
        self.asked_s = self.started_s = time.monotonic()
        self.owners: set[str] = set()
        self.ended = threading.Event()
        self.unwanted = threading.Event()

    @property
    def eta_s(self) -> float | None:
        """Seconds to go, from the progress so far; None while that says nothing."""
        if self.state is not State.RUNNING or self.progress < 0.02:
            return None
        spent = time.monotonic() - self.started_s
        return spent * (1 - self.progress) / self.progress

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come within `timeout_s`."""
        return self.ended.wait(timeout_s)

    def tell(self, share: float, _: object = None) -> None:
        """Take note of the share done."""
        self.progress = share


class JobPool:
    """Runs jobs in processes; who waits longest beside what they ask for goes next.

    That is the highest response ratio first (Brinch Hansen 1971): short work soon, long work not
    never. Visitors with nothing running go before those with something, and long work leaves one
    process and most of the processor to what is short.

    The first of the `workers` starts at once, each other when there is work for it. Results are
    kept up to `keep` bytes in all; the least recently used goes first, one alone always stays. More
    than `queue` jobs do not wait: the next one fails at once, with a message.
    """

    def __init__(self, workers: int = 2, keep: int = 10**8, queue: int = 200) -> None:
        self._limit, self._keep = queue, keep
        self._open: dict[str, Job] = {}
        self._kept: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.RLock()
        self._executor = ThreadPoolExecutor(workers, "job")
        self._most_long = max(1, workers - 1)
        self._idle = [Worker()]

    def submit(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        key: str,
        owner: str = "",
        *,
        cost: float = 0.0,
    ) -> Job:
        """Ask for ``function(*args, progress=…)``; equal keys share one job and its result.

        Function and arguments go to another process; the function may call ``progress(share)``.
        `owner` is who asks, as ``session/place``: asking for other work there gives up the former
        job, which is cancelled when nobody else wants it. `cost` is how many seconds it takes,
        about.
        """
        with self._lock:
            job = self.known(key)
            if job is None:
                job = self._open[key] = Job(key)
                job.cost = cost
                job.owners = {owner} - {""}
                self._enqueue(job, function, args)
            if owner:
                self._leave(owner, but=job)
                job.owners.add(owner)
            return job

    def known(self, key: str) -> Job | None:
        """The job of this key, where it is under way or its result is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._open.get(key) or self._kept.get(key)

    def position(self, job: Job) -> int:
        """Place of a waiting job in its queue, from 1."""
        with self._lock:
            waiting = self._in_order()
            return waiting.index(job) + 1 if job in waiting else 0

    def leave(self, owner: str) -> None:
        """Give up what `owner` asked for; it is cancelled unless somebody else waits for it."""
        with self._lock:
            self._leave(owner)

    def forget(self, job: Job) -> None:
        """Drop a job that has ended, so that its work can be asked for anew."""
        with self._lock:
            if self._kept.get(job.key) is job:
                del self._kept[job.key]

    def close(self) -> None:
        """End all processes; jobs under way are cancelled."""
        with self._lock:
            for job in list(self._open.values()):
                self._cancel(job)
        self._executor.shutdown(cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    def _in_order(self) -> list[Job]:
        """Jobs that wait, who goes next first."""
        now = time.monotonic()
        busy = {s for job in self._open.values() if job.state is State.RUNNING for s in _who(job)}

        def rank(job: Job) -> tuple[bool, float, float]:
            ratio = (now - job.asked_s) / max(job.cost, LEAST_S)
            return bool(_who(job)) and _who(job) <= busy, -ratio, job.asked_s

        return sorted((j for j in self._open.values() if j.state is State.QUEUED), key=rank)

    def _enqueue(self, job: Job, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        job.task = function, args
        if len(self._in_order()) > self._limit:
            too_much = "too much is waiting already; try again in a minute"
            self._end(job, State.FAILED, error=too_much)
            return
        self._executor.submit(self._run_next)

    def _run_next(self) -> None:
        """Run whoever is next now, which need not be whose coming brought this call about."""
        with self._lock:
            running = [job for job in self._open.values() if job.state is State.RUNNING]
            long = sum(job.cost > LONG_S for job in running) >= self._most_long
            waiting = self._in_order()
            job = next((job for job in waiting if not (long and job.cost > LONG_S)), None)
            if job is None:
                return  # long work, which has another call once such work has ended
            job.state, job.started_s = State.RUNNING, time.monotonic()
        self._run(job)
        with suppress(RuntimeError):  # closed
            self._executor.submit(self._run_next)

    def _leave(self, owner: str, but: Job | None = None) -> None:
        for job in list(self._open.values()):
            if owner in job.owners and job is not but:
                job.owners.discard(owner)
                if not job.owners:
                    self._cancel(job)

    def _cancel(self, job: Job) -> None:
        job.unwanted.set()
        del self._open[job.key]
        if job.state is State.QUEUED:
            self._end(job, State.CANCELLED)

    def _end(self, job: Job, state: State, result: Any = None, error: str = "") -> None:
        with self._lock:
            job.result, job.error, job.progress, job.state = result, error, 1.0, state
            if self._open.get(job.key) is job:
                del self._open[job.key]
                self._kept[job.key] = job
                self._make_room()
            job.ended.set()

    def _make_room(self) -> None:
        while len(self._kept) > 1 and sum(job.size for job in self._kept.values()) > self._keep:
            self._kept.popitem(last=False)

    def _run(self, job: Job) -> None:
        worker = self._idle.pop() if self._idle else Worker()
        if not worker.alive:
            worker.close()
            worker = Worker()
        outcome: Any = None
        try:
            calm = job.cost > LONG_S
            kind, *rest = worker.run(*job.task, job.unwanted, job.tell, GRACE_S, calm=calm)
            outcome = rest[0] if rest else None
            job.size = LEAST_BYTES + rest[1] if kind == "done" else LEAST_BYTES
        except Exception as error:  # noqa: BLE001  whatever pickle has against it
            kind, outcome = "failed", f"this cannot be handed to a worker: {error}"
        if worker.alive:
            self._idle.append(worker)
        if kind == "done":
            self._end(job, State.DONE, result=outcome)
        elif kind == "cancelled" or job.unwanted.is_set():
            self._end(job, State.CANCELLED)
        else:
            self._end(job, State.FAILED, error=outcome)


def _who(job: Job) -> set[str]:
    """Sessions that wait for a job."""
    return {owner.partition("/")[0] for owner in job.owners}
