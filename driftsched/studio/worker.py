"""A worker process and the server's end of it.

loky starts it, since `multiprocessing` would run the main script again in each new process, and
under Streamlit that is a page. Messages go over one pipe a worker, so that one which dies takes
nobody else's along. In: ``(function, args)`` or `CANCEL`. Out: ``("progress", share, update)``,
then ``("done", result)``, ``("failed", message)`` or ``("cancelled",)``.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from loky.backend import get_context

from driftsched.core.errors import CancelledError, DriftSchedError

CANCEL = "cancel"
MEMORY_MB = 6000
"""What needs more fails, instead of taking the server along."""
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
    ) -> tuple[Any, ...]:
        """Carry out ``function(*args, progress=…)`` and return the last message about it.

        `tell` gets the share done, 0 … 1, at most ten times a second, and whatever else the task
        hands to ``progress`` as its second argument. Once `unwanted` is set the next call of
        ``progress`` raises ``CancelledError``, which ends the task unless it has something to save;
        after `grace_s` the process is ended.
        """
        asked: float | None = None
        try:
            self._pipe.send((function, args))
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
    pipe: Connection, function: Callable[..., Any], args: tuple[Any, ...]
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
        return ("done", function(*args, progress=progress))
    except CancelledError:
        return ("cancelled",)
    except DriftSchedError as error:
        return ("failed", str(error))
    except MemoryError:
        return ("failed", f"this needs more memory than it may have, {MEMORY_MB:,} MB")
    except Exception as error:  # noqa: BLE001  whatever went wrong must reach the page, in words
        print(traceback.format_exc(), file=sys.stderr)  # noqa: T201  the server's log
        return ("failed", f"{type(error).__name__}: {error}")
