"""A worker process: ``python -m driftsched.studio.worker``, one task at a time over its pipes.

It is a plain child process, not one of `multiprocessing`: a spawned one would run the main script
again, and under Streamlit that is ``app.py``. Messages are pickles. In: ``(function, args)`` or
``"cancel"``. Out: ``("ready",)``, ``("progress", share, update)``, ``("done", result)``,
``("failed", message)``, ``("cancelled",)``.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from driftsched.core.errors import CancelledError, DriftSchedError

__all__ = ["main", "run_task"]

PROGRESS_EVERY_S = 0.1
_sending = threading.Lock()


def run_task(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    tell: Callable[[float, Any], None],
    cancelled: threading.Event,
) -> tuple[Any, ...]:
    """Call ``function(*args, progress=…)`` and return the final message about it.

    `tell` gets the share done, 0 … 1, at most ten times a second, and whatever else the task hands
    to ``progress`` as its second argument, each time; once `cancelled` is set, the next call of
    ``progress`` raises ``CancelledError``, which ends the task unless it has something to save.
    """
    last = 0.0

    def progress(share: float, update: Any = None) -> None:
        nonlocal last
        if cancelled.is_set():
            raise CancelledError("cancelled")
        now = time.monotonic()
        if update is not None or now - last >= PROGRESS_EVERY_S:
            last = now
            tell(min(1.0, max(0.0, share)), update)

    try:
        return ("done", function(*args, progress=progress))
    except CancelledError:
        return ("cancelled",)
    except DriftSchedError as error:
        return ("failed", str(error))
    except Exception as error:  # noqa: BLE001  whatever went wrong must reach the page, in words
        print(traceback.format_exc(), file=sys.stderr)  # noqa: T201  the server's log
        return ("failed", f"{type(error).__name__}: {error}")


def main() -> None:
    """Serve tasks until the other end closes."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a print must not break the protocol
    tasks: queue.Queue[tuple[Callable[..., Any], tuple[Any, ...]] | None] = queue.Queue()
    cancelled = threading.Event()
    # Before the listener: unpickling a task imports modules too, and must not meet half of one.
    _prepare()
    threading.Thread(target=_listen, args=(source, tasks, cancelled), daemon=True).start()
    _send(sink, ("ready",))
    while (task := tasks.get()) is not None:
        _send(sink, run_task(*task, partial(_tell, sink), cancelled))


def _listen(source: BinaryIO, tasks: queue.Queue[Any], cancelled: threading.Event) -> None:
    while True:
        try:
            message = pickle.load(source)  # noqa: S301  the studio writes it
        except EOFError:
            cancelled.set()
            tasks.put(None)
            return
        except Exception as error:  # noqa: BLE001  a task that cannot be read must fail, not hang
            tasks.put((_unreadable, (str(error),)))
            continue
        if message == "cancel":
            cancelled.set()
        else:
            cancelled.clear()
            tasks.put(message)


def _tell(sink: BinaryIO, share: float, update: Any) -> None:
    _send(sink, ("progress", share, update))


def _unreadable(why: str, *, progress: object) -> None:  # noqa: ARG001  a task takes it
    raise DriftSchedError(f"the task cannot be read: {why}")


def _prepare() -> None:
    """Import what nearly every task needs, before the first one comes."""
    import driftsched.experiments
    import driftsched.simulation  # noqa: F401  imported for the time it saves the first task


def _send(sink: BinaryIO, message: tuple[Any, ...]) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    with _sending:  # a task may tell of its progress from several threads
        sink.write(data)
        sink.flush()


if __name__ == "__main__":
    main()
