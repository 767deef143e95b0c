"""A worker process and the server's end of it.

loky starts it, since `multiprocessing` would run the main script again in each new process, and
under Streamlit that is a page. Messages go over one pipe a worker, so that one which dies takes
nobody else's along. In: ``(function, args, path, calm)`` or `CANCEL`. Out:
``("progress", share, update)``, then ``("done", head, sizes)``, ``("failed", message)`` or
``("cancelled",)``. A result's arrays lie in the file at that path, which the server maps and does
not read: it has no name there, and goes with the last array.
"""

from __future__ import annotations

import mmap
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from loky.backend import get_context

from driftsched.core.errors import CancelledError, DriftSchedError

CANCEL = "cancel"
MEMORY_MB = 6000
"""What needs more fails, instead of taking the server along."""
CALM = 10
"""How much nicer than others a thread is that has long work."""
ALIGNED = 64
"""Bytes: where an array begins in a result's file."""
POLL_S = 0.05
PROGRESS_EVERY_S = 0.1

Tell = Callable[[float, Any], None]


class Worker:
    """One process, for one task after the other; it ends when this process ends.

    `threads` are what numeric libraries may use there, `memory_mb` is how much memory it may have;
    None leaves either to them.
    """

    def __init__(self, threads: int | None = 1, memory_mb: int | None = MEMORY_MB) -> None:
        context = get_context("loky")
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if threads else ()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(theirs, memory_mb),
            daemon=True,
            env=dict.fromkeys(names, str(threads)),
        )
        self._process.start()
        theirs.close()  # ours alone is open here, so that it tells when the process has gone

    @property
    def alive(self) -> bool:
        """Whether it can take another task."""
        return not self._pipe.closed and bool(self._process.is_alive())

    def run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        unwanted: threading.Event,
        tell: Tell,
        grace_s: float,
        *,
        calm: bool = False,
    ) -> tuple[Any, ...]:
        """Carry out ``function(*args, progress=…)`` and return the last message about it.

        That is ``("done", result, bytes)``, ``("failed", message)`` or ``("cancelled",)``. With
        `calm` it leaves the processor to whoever else wants it.

        `tell` gets the share done, 0 … 1, at most ten times a second, and whatever else the task
        hands to ``progress`` as its second argument. Once `unwanted` is set the next call of
        ``progress`` raises ``CancelledError``, which ends the task unless it has something to save;
        after `grace_s` the process is ended.
        """
        with ExitStack() as room:
            path = ""
            with suppress(OSError):  # on a full disk results come through the pipe
                path = room.enter_context(NamedTemporaryFile(prefix="driftsched-")).name
            task = (function, args, path, calm)
            kind, *rest = self._last_message(task, unwanted, tell, grace_s)
            return (kind, *_unpacked(path, *rest)) if kind == "done" else (kind, *rest)

    def _last_message(
        self, task: tuple[Any, ...], unwanted: threading.Event, tell: Tell, grace_s: float
    ) -> tuple[Any, ...]:
        asked: float | None = None
        try:
            self._pipe.send(task)
            while True:
                if unwanted.is_set() and asked is None:
                    asked = time.monotonic()
                    self._pipe.send(CANCEL)
                if asked is not None and time.monotonic() - asked > grace_s:
                    self.close()
                    return ("cancelled",)
                if self._pipe.poll(POLL_S):
                    kind, *rest = self._pipe.recv()
                    if kind != "progress":
                        return (kind, *rest)
                    tell(*rest)
        except (EOFError, OSError):
            self.close()
            return ("failed", "the worker process ended early (out of memory?)")

    def close(self) -> None:
        """End the process, whatever it does."""
        self._pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(pipe: Connection, memory_mb: int | None) -> None:
    """Carry out tasks until the other end is closed."""
    if memory_mb is not None:
        with suppress(ImportError, OSError, ValueError):  # not on every system, or less is allowed
            import resource

            most = memory_mb * 10**6
            resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))
    # what nearly every task needs, before the first one comes
    import driftsched.experiments
    import driftsched.simulation  # noqa: F401  imported for the time it saves the first task

    while True:
        try:
            task = pipe.recv()
            if task != CANCEL:  # else it came too late for the task before
                pipe.send(_carry_out(pipe, *task))
        except (EOFError, OSError):
            return
        except Exception as error:  # noqa: BLE001  what cannot be read or sent fails, and no more
            pipe.send(("failed", f"this cannot be handed over: {error}"))


def _carry_out(
    pipe: Connection, function: Callable[..., Any], args: tuple[Any, ...], path: str, calm: bool
) -> tuple[Any, ...]:
    lock, stopped, last = threading.Lock(), False, 0.0

    def progress(share: float, update: Any = None) -> None:
        nonlocal stopped, last
        with lock:  # a task may tell of its progress from several threads
            if not stopped and pipe.poll():
                stopped = True
                with suppress(EOFError):  # the server has gone
                    pipe.recv()
            if stopped:
                raise CancelledError("cancelled")
            now = time.monotonic()
            if update is not None or now - last >= PROGRESS_EVERY_S:
                last = now
                pipe.send(("progress", min(1.0, max(0.0, share)), update))

    try:
        if not calm:
            return ("done", *_packed(function(*args, progress=progress), path))
        with ThreadPoolExecutor(1, initializer=_be_nice) as apart:
            result = apart.submit(function, *args, progress=progress).result()
        return ("done", *_packed(result, path))
    except CancelledError:
        return ("cancelled",)
    except DriftSchedError as error:
        return ("failed", str(error))
    except MemoryError:
        return ("failed", f"this needs more memory than it may have, {MEMORY_MB:,} MB")
    except Exception as error:  # noqa: BLE001  whatever went wrong must reach the page, in words
        print(traceback.format_exc(), file=sys.stderr)  # noqa: T201  the server's log
        return ("failed", f"{type(error).__name__}: {error}")


def _be_nice() -> None:
    """Let others go first: Linux has a niceness for each thread."""
    with suppress(AttributeError, OSError):  # elsewhere there is none
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), CALM)


def _packed(result: Any, path: str) -> tuple[bytes, list[int]]:
    """Write a result's arrays into the file at `path`; return the rest of it and their sizes."""
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(result, protocol=5, buffer_callback=arrays.append)
    try:
        with Path(path).open("r+b") as file:
            for array in arrays:
                file.seek(-file.tell() % ALIGNED, os.SEEK_CUR)
                file.write(array.raw())
    except OSError:  # no room there
        return pickle.dumps(result, protocol=5), []
    return head, [array.raw().nbytes for array in arrays]


def _unpacked(path: str, head: bytes, sizes: list[int]) -> tuple[Any, int]:
    """Return a result and the bytes it takes; its arrays are the file's pages."""
    pages = memoryview(b"")
    if any(sizes):
        with Path(path).open("r+b") as file:
            pages = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    arrays, start = [], 0
    for size in sizes:
        arrays.append(pages[start : start + size])
        start += size + -size % ALIGNED
    return pickle.loads(head, buffers=arrays), len(head) + len(pages)  # noqa: S301  a worker's own
