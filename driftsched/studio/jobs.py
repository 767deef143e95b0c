"""Work outside the script thread: a bounded pool of processes, shared by all sessions.

Equal work is done once: jobs with the same key are one job, and its result is kept for the next who
asks. A job belongs to no script run, so it outlives reruns and page switches.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from driftsched.studio.job import Job, State
from driftsched.studio.process import WorkerProcess

__all__ = ["Job", "JobPool", "State"]

GRACE_S = 1.0
"""A cancelled task that does not end by itself within this time loses its process."""


class JobPool:
    """Runs jobs in `workers` processes, first come first served.

    Parameters
    ----------
    workers : int
        Processes at most; the first starts at once, so that it is ready when work comes, each other
        when there is work for it.
    keep : int
        Results kept, the least recently used goes first.
    queue : int
        Jobs waiting at most; one more fails at once, with a message.
    """

    def __init__(self, workers: int = 2, keep: int = 32, queue: int = 200) -> None:
        self._keep, self._limit = keep, queue
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(
                target=self._serve, args=(number == 0,), name=f"job-{number}", daemon=True
            )
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, function: Callable[..., Any], args: tuple[Any, ...], key: str, owner: str = ""
    ) -> Job:
        """Ask for ``function(*args, progress=…)``; equal keys share one job and its result.

        Parameters
        ----------
        function : callable
            Importable by name, since it runs in another process; it may call ``progress(share)``.
        args : tuple
            Picklable.
        key : str
            Names the work: same key, same result.
        owner : str
            Who asks. Asking for other work gives up the owner's former job, which is cancelled
            when nobody else wants it.
        """
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                job = self._new(key, function, args)
            self._jobs.move_to_end(key)
            if owner:
                self._leave(owner, but=job)
                job.owners.add(owner)
            return job

    def _new(self, key: str, function: Callable[..., Any], args: tuple[Any, ...]) -> Job:
        job = Job(key, function, args)
        self._jobs[key] = job
        if len(self._queue) >= self._limit:
            self._end(job, State.FAILED, error="too much is waiting already; try again in a minute")
            return job
        self._queue.append(job)
        self._number()
        self._changed.notify()
        return job

    def leave(self, owner: str) -> None:
        """Give up what `owner` asked for; it is cancelled unless somebody else waits for it."""
        with self._changed:
            self._leave(owner)

    def forget(self, job: Job) -> None:
        """Drop a job that has ended, so that its work can be asked for anew."""
        with self._changed:
            if job.ended.is_set() and self._jobs.get(job.key) is job:
                del self._jobs[job.key]

    def adopt(self, key: str, result: Any) -> Job:
        """Keep a result that was computed elsewhere under `key`."""
        with self._changed:
            job = Job(key, _nothing, ())
            self._jobs[key] = job
            self._end(job, State.DONE, result=result)
            return job

    def close(self) -> None:
        """End all processes; jobs under way are cancelled."""
        with self._changed:
            self._closed = True
            for job in list(self._jobs.values()):
                job.unwanted.set()
                if job.state is State.QUEUED:
                    self._end(job, State.CANCELLED)
            self._queue.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(GRACE_S + 5)

    def _leave(self, owner: str, but: Job | None = None) -> None:
        for job in list(self._jobs.values()):
            if owner in job.owners and job is not but:
                job.owners.discard(owner)
                if not job.owners and not job.ended.is_set():
                    self._cancel(job)

    def _cancel(self, job: Job) -> None:
        job.unwanted.set()
        del self._jobs[job.key]
        if job.state is State.QUEUED:
            self._queue.remove(job)
            self._number()
            self._end(job, State.CANCELLED)

    def _number(self) -> None:
        for position, job in enumerate(self._queue, start=1):
            job.position = position

    def _end(self, job: Job, state: State, result: Any = None, error: str = "") -> None:
        job.result, job.error, job.progress = result, error, 1.0
        job.function, job.args = _nothing, ()
        job.state = state
        job.ended.set()
        ended = [key for key, kept in self._jobs.items() if kept.ended.is_set()]
        for key in ended[: max(0, len(ended) - self._keep)]:
            del self._jobs[key]

    def _serve(self, at_once: bool) -> None:
        process = WorkerProcess() if at_once else None
        while (job := self._next()) is not None:
            if process is not None and not process.alive:
                process.close()
                process = None
            process = process or WorkerProcess()
            self._carry_out(job, process)
        if process is not None:
            process.close()

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._queue)
            if self._closed:
                return None
            job = self._queue.popleft()
            self._number()
            job.state, job.started_s = State.RUNNING, time.monotonic()
            return job

    def _carry_out(self, job: Job, process: WorkerProcess) -> None:
        try:
            kind, *rest = process.run(
                job.function, job.args, job.unwanted, self._tell(job), GRACE_S
            )
        except (pickle.PickleError, AttributeError, TypeError) as error:
            kind, rest = "failed", [f"this cannot be handed to a worker: {error}"]
        with self._changed:
            if kind == "done":
                self._end(job, State.DONE, result=rest[0])
            elif kind == "cancelled" or job.unwanted.is_set():
                self._end(job, State.CANCELLED)
            else:
                self._end(job, State.FAILED, error=rest[0])

    def _tell(self, job: Job) -> Callable[[float, Any], None]:
        def tell(share: float, _: Any) -> None:
            job.progress = share

        return tell


def _nothing(**_: object) -> None:
    """Stands in for a task that has ended, so that its arguments can be freed."""
